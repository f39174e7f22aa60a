"""The user's price file: what it changes, and what it says when it is wrong."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from agentobs.pricing import ContextWindow, PriceBook, PriceFileError
from agentobs.records.usage import Cost, Usage

MILLION = Usage(1_000_000, 1_000_000)
TOML = """
[prices."openai/gpt-4.1"]
input = 1
output = 4
[prices."acme/llama-house"]
input = 0.5
output = 1
cache_read = 0.1
max_input = 32000
tiers.batch = { input = 0.25, output = 0.5 }
[aliases]
"azure/prod-chat" = "gpt-4.1"
shortcut = "acme/llama-house"
[discounts]
anthropic = 0.85
[providers]
"LLM.example.internal" = "acme"
"""
YAML = """
prices:
  openai/gpt-4.1: {input: 1, output: 4}
  acme/llama-house:
    input: 0.5
    output: 1
    cache_read: 0.1
    max_input: 32000
    tiers: {batch: {input: 0.25, output: 0.5}}
aliases:
  azure/prod-chat: gpt-4.1
  shortcut: acme/llama-house
discounts: {anthropic: 0.85}
providers: {LLM.example.internal: acme}
"""


@pytest.fixture(scope="module", params=[("prices.toml", TOML), ("prices.yaml", YAML)], ids=["toml", "yaml"])
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PriceBook:
    name, text = request.param
    path = tmp_path_factory.mktemp("prices") / name
    path.write_text(text)
    return PriceBook.load(path)


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-4.1-2025-04-14", "GPT-4.1"])
def test_a_price_of_ones_own_replaces_the_bundled_one_under_all_its_names(book: PriceBook, model: str) -> None:
    assert book.cost("openai", model, MILLION) == Cost(5.0, "override")
    assert book.windows("openai", model) == ContextWindow(1_047_576, 32_768)


def test_a_model_nobody_listed_gets_a_price_a_tier_and_a_window(book: PriceBook) -> None:
    assert book.cost("acme", "llama-house", MILLION) == Cost(1.5, "override")
    assert book.cost("acme", "llama-house", Usage(1_000_000, 0, service_tier="batch")) == Cost(0.25, "override")
    assert book.cost("acme", "llama-house", Usage(1_000_000, 0, cache_read_tokens=1_000_000)) == Cost(0.1, "override")
    assert book.windows("acme", "llama-house") == ContextWindow(32_000, None)
    assert book.canonical("acme", "llama-house") == "llama-house"


def test_an_alias_stands_for_a_model_of_the_same_or_of_a_named_provider(book: PriceBook) -> None:
    assert book.canonical("azure.ai.openai", "prod-chat") == "gpt-4.1"
    assert book.cost("azure.ai.openai", "prod-chat", MILLION) == Cost(10.0, "local")
    assert book.cost("openai", "shortcut", MILLION) == Cost(1.5, "override")
    assert book.cost("openai", "prod-chat", MILLION) == Cost(None, reason="unknown_model")


def test_a_discount_is_a_factor_on_the_bundled_price(book: PriceBook) -> None:
    cost = book.cost("anthropic", "claude-sonnet-4-5", Usage(100_000, 0))
    assert cost == Cost(pytest.approx(0.3 * 0.85, rel=1e-12), "override")


def test_hosts_are_handed_on(book: PriceBook) -> None:
    assert dict(book.provider_hosts) == {"llm.example.internal": "acme"}


def test_other_models_keep_the_bundled_price(book: PriceBook) -> None:
    assert book.cost("openai", "gpt-4.1-mini", MILLION) == PriceBook.bundled().cost("openai", "gpt-4.1-mini", MILLION)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    for name in ("prices.toml", "prices.yml"):
        (tmp_path / name).write_text("")
        assert PriceBook.load(tmp_path / name).cost("openai", "gpt-4.1", MILLION) == Cost(10.0, "local")


RATES = "input, output, cache_read, cache_write, cache_write_1h, audio_input, audio_output"
PRICE = "allowed: a number of USD per million tokens, 0 or more"
WRONG = [
    pytest.param(
        '[prices."openai/x"]\ninput = 1\ninptu = 2\n',
        "prices:\n  openai/x:\n    inptu: 2\n",
        f'line 3: prices."openai/x".inptu: unknown field; allowed: {RATES}, max_input, max_output, tiers',
        id="unknown field",
    ),
    pytest.param(
        '# mine\n[prices]\n"openai/x" = { input = "1" }\n',
        "prices:\n\n  openai/x: {input: '1'}\n",
        f"""line 3: prices."openai/x".input: '1' is not a price; {PRICE}""",
        id="text for a price",
    ),
    pytest.param(
        '[prices."openai/x"]\ninput = -1\n',
        "prices:\n  openai/x: {input: -1}\n",
        f'line 2: prices."openai/x".input: -1 is not a price; {PRICE}',
        id="negative",
    ),
    pytest.param(
        '[prices."openai/x"]\ninput = nan\n',
        "prices:\n  openai/x: {input: .nan}\n",
        f'line 2: prices."openai/x".input: nan is not a price; {PRICE}',
        id="not a number",
    ),
    pytest.param(
        '[prices."openai/x"]\ninput = true\n',
        "prices:\n  openai/x: {input: yes}\n",
        f'line 2: prices."openai/x".input: True is not a price; {PRICE}',
        id="truth for a price",
    ),
    pytest.param(
        '\n[prices."openai/x"]\noutput = 1\n',
        "prices:\n  openai/x:\n    output: 1\n",
        None,
        id="input missing",
    ),
    pytest.param(
        "[prices.gpt]\ninput = 1\n",
        "prices: {gpt: {input: 1}}\n",
        'line 1: prices.gpt: the name must be "provider/model", such as "openai/gpt-4.1"',
        id="no provider",
    ),
    pytest.param(
        '[prices]\n"openai/x" = 5\n',
        "prices:\n  openai/x: 5\n",
        'line 2: prices."openai/x": 5 is not a table of names and values',
        id="number for a table",
    ),
    pytest.param(
        '[prices."openai/x"]\ninput=1\nmax_input=0.5',
        "prices:\n  openai/x:\n    {input: 1, max_input: 0.5}\n",
        'line 3: prices."openai/x".max_input: 0.5 is not a number of tokens; allowed: a whole number, 1 or more',
        id="half a token",
    ),
    pytest.param(
        "\n[price]\n",
        "\nprice: {}\n",
        "line 2: price: unknown field; allowed: prices, aliases, discounts, providers",
        id="unknown section",
    ),
    pytest.param(
        '[aliases]\nprod = "gpt-99"\n',
        "aliases:\n  prod: gpt-99\n",
        "line 2: aliases.prod: 'gpt-99' has no price; allowed: a model of the table or one under [prices]",
        id="alias to nowhere",
    ),
    pytest.param(
        "[discounts]\nopenai = 85\n",
        "discounts:\n  openai: 85\n",
        "line 2: discounts.openai: 85 is not a factor; allowed: a number above 0 and up to 10, 0.85 for 15 % off",
        id="percent for a factor",
    ),
    pytest.param(
        '[providers]\n"https://x.example/v1" = "openai"\n',
        "providers:\n  https://x.example/v1: openai\n",
        'line 2: providers."https://x.example/v1": not a host; allowed: a host name without scheme and path',
        id="URL for a host",
    ),
]


@pytest.mark.parametrize(("toml", "yaml", "message"), WRONG)
def test_a_wrong_file_names_line_field_and_what_is_allowed(
    tmp_path: Path, toml: str, yaml: str, message: str | None
) -> None:
    message = message or (
        'line 2: prices."openai/x": input is missing; it is the price of a million input tokens in USD'
    )
    for name, text in (("prices.toml", toml), ("prices.yaml", yaml)):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(PriceFileError) as raised:
            PriceBook.load(path)
        assert str(raised.value) == f"{path}, {message}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.toml", b"[prices]\nx = \n", "{path}: Invalid value (at line 2, column 5)"),
        ("p.yaml", b"prices:\n  a: [1\n", "{path}, line 3: expected ',' or ']', but got '<stream end>'"),
        ("p.yaml", b"- 1\n", "{path}, line 1: the file must be a table of names and values"),
        ("p.toml", b"a = 1\n\xff", "{path}, line 2: not UTF-8 text"),
        ("p.json", b"{}", "{path}: unknown kind of file '.json'; allowed: .toml, .yaml, .yml"),
    ],
)
def test_a_file_that_cannot_be_parsed_says_where(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PriceFileError) as raised:
        PriceBook.load(path)
    assert str(raised.value) == message.format(path=path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"gone\.toml: cannot be read: No such file or directory"):
        PriceBook.load(tmp_path / "gone.toml")


def test_a_discount_for_nobody_lists_the_providers(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("[discounts]\nacme = 0.9\n")
    with pytest.raises(
        PriceFileError, match=r"line 2: discounts\.acme: unknown provider; allowed: anthropic, aws\.bed"
    ):
        PriceBook.load(path)


def test_yaml_without_pyyaml_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_yaml(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    path = tmp_path / "prices.yaml"
    path.write_text("prices: {}")
    monkeypatch.setattr(builtins, "__import__", without_yaml)
    with pytest.raises(PriceFileError, match=r"needs PyYAML: pip install pyyaml, or write the file as TOML"):
        PriceBook.load(path)
