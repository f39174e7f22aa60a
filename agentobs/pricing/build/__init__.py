"""Make the bundled price table: `python -m agentobs.pricing.build --catalog-date DATE`.

Needs two packages that agentobs itself does not depend on: genai-prices, which is imported, and litellm, of which only
the JSON price map is read. Both have the MIT licence. NOTICE must name them, with the copyright lines of their LICENSE
files, followed by the text of the MIT licence, which asks to be kept whole:

    agentobs/pricing/table.jsonl is derived from
    - genai-prices, https://github.com/pydantic/genai-prices, Copyright (c) Pydantic Services Inc. 2025 to present;
    - the model price map of litellm, https://github.com/BerriAI/litellm, Copyright (c) 2023 Berri AI (the part
      outside its enterprise folder).
    Both are available under the MIT License: [its text, as in the LICENSE file of either package]

Form of the table, one JSON value per line: first the header, then `[provider, {"models": [...], "like": [...]}]`:

- `id`, `names`: the catalogue id and all other names that mean the same price, in lower case.
- `prices`: alternatives, the last that holds wins. `from` is a UTC date, `hours` minutes of the UTC day, `days` ISO
  weekdays. Rates are USD per million tokens: `in`, `out`, `cr` and `cw` (cache read and write), `cw1h` (write kept an
  hour), `ai` and `ao` (audio in and out). A rate is a number or `[base, [threshold, rate], ...]`: more input tokens
  than the threshold bill the whole request at that rate. A model without prices is not billed by tokens alone.
- `tiers`: the same by service tier; a rate not named there is that of the plain price.
- `window`: `[max input tokens, max output tokens]`.
- `by`: `litellm` where the price is not from genai-prices.
"""
