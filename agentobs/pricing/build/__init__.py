"""Make the bundled price table: `python -m agentobs.pricing.build --catalog-date DATE`.

Needs two packages that agentobs itself does not depend on: genai-prices, which is imported, and litellm, of which only
the JSON price map is read. Both have the MIT licence, and NOTICE must say:

    agentobs/pricing/table.jsonl is derived from
    - genai-prices, https://github.com/pydantic/genai-prices, MIT License,
      Copyright (c) 2025 to present Pydantic Services Inc. and individual contributors;
    - the model price map of litellm, https://github.com/BerriAI/litellm, MIT License, Copyright (c) 2023 Berri AI.
    Permission is granted, free of charge, to use, copy, modify, merge, publish, distribute, sublicense and sell copies
    of these works, provided that the copyright notices and this permission notice are kept. They are provided "as is",
    without warranty of any kind.

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
