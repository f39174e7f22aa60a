"""Write `table.jsonl`. The same two packages and date give the same bytes."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import re
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from agentobs.pricing.build import genai, litellm
from agentobs.pricing.build.catalogue import PLANS, STALE_IN_GENAI_PRICES, ProviderPlan, Row
from agentobs.pricing.names import candidates
from agentobs.pricing.table import TABLE

_PRICE_MAP = "model_prices_and_context_window_backup.json"
_GEOGRAPHY = re.compile(r"(?:us-gov|us|eu|apac|jp|au|ca|in|global)\.")


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    from genai_prices.data import providers

    price_map, litellm_version = _price_map(options.litellm)
    header = {
        "catalog_date": options.catalog_date.isoformat(),
        "genai-prices": importlib.metadata.version("genai-prices"),
        "litellm": litellm_version,
    }
    by_id = {provider.id: provider for provider in providers}
    lines = [header, *([plan.name, _provider(plan, by_id.get(plan.genai or ""), price_map)] for plan in PLANS)]
    text = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=True) + "\n" for line in lines)
    options.output.write_text(text, "utf-8")
    sys.stdout.write(f"{options.output}: {len(text):,} bytes, {text.count(chr(34) + 'id' + chr(34)):,} models\n")
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m agentobs.pricing.build", description="Make the bundled price table."
    )
    parser.add_argument(
        "--catalog-date", required=True, type=date.fromisoformat, help="release date of the installed genai-prices"
    )
    parser.add_argument("--litellm", type=Path, help="folder with an unpacked litellm wheel (default: as installed)")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / TABLE)
    return parser.parse_args(arguments)


def _price_map(folder: Path | None) -> tuple[Mapping[str, Any], str]:
    """litellm's map and version, from the files alone: importing litellm takes seconds and asks the network."""
    if folder is None:
        spec = importlib.util.find_spec("litellm")
        if spec is None or spec.origin is None:
            raise SystemExit("litellm is not installed: install it, or name an unpacked wheel with --litellm FOLDER")
        folder = Path(spec.origin).parents[1]
    metadata = next(folder.glob("litellm-*.dist-info"))
    version = metadata.name.removeprefix("litellm-").removesuffix(".dist-info")
    return json.loads((folder / "litellm" / _PRICE_MAP).read_text("utf-8")), version


def _provider(plan: ProviderPlan, source: Any, price_map: Mapping[str, Any]) -> dict[str, Any]:
    rows = genai.rows(source, total_window=plan.total_window) if source is not None else {}
    _add_peak_days(rows, price_map)
    own: dict[str, Row] = {}
    for name, entry in litellm.entries(plan, price_map):
        known = genai.match(source, name) if source is not None else None
        if known is None or _litellm_knows_better(plan, entry, rows[known]):
            own[name] = entry
        else:
            _merge(rows[known], name, entry)
    for row in rows.values():
        row.names -= own.keys()
    kept = _without_snapshots(plan, own)
    listed = sorted([*(row for id_, row in rows.items() if id_.lower() not in own), *kept], key=lambda row: row.id)
    body: dict[str, Any] = {"like": list(plan.like)} if plan.like else {}
    return {**body, "models": [row.as_json() for row in listed]}


def _add_peak_days(rows: Mapping[str, Row], price_map: Mapping[str, Any]) -> None:
    """genai-prices has no weekdays: its peak hours would hold on weekends too."""
    for row in rows.values():
        if days := litellm.peak_days(price_map, row.id):
            row.prices = [{**price, "days": days} if "hours" in price else price for price in row.prices]


def _litellm_knows_better(plan: ProviderPlan, entry: Row, row: Row) -> bool:
    """Stale prices, and Bedrock ids whose geography has a price of its own that genai-prices does not tell apart."""
    if (plan.name, entry.id) in STALE_IN_GENAI_PRICES:
        return True
    if plan.name != "aws.bedrock" or not entry.prices or (row.prices and _same_price(row, entry)):
        return False
    geography = _GEOGRAPHY.match(entry.id)
    return geography is not None and not any(known.startswith(geography[0]) for known in row.names)


def _merge(row: Row, name: str, entry: Row) -> None:
    """Let litellm name a model, and add its window; and where both agree on the price, what genai-prices lacks."""
    row.names.add(name)
    if name == row.id.lower() or row.window[1] is None:
        row.window = (entry.window[0] or row.window[0], entry.window[1] or row.window[1])
    if not row.prices:
        row.prices, row.tiers, row.source = _if_free(entry), {}, "litellm"
        return
    if not entry.prices or not _same_price(row, entry):
        return
    for tier, rates in entry.tiers.items():
        row.tiers.setdefault(tier, rates)
    known = {key for price in row.prices for key in price}
    extra = {key: rate for key, rate in entry.prices[0].items() if key not in known}
    row.prices = [{**extra, **price} for price in row.prices]


def _if_free(entry: Row) -> list[dict[str, Any]]:
    """Only an explicit nought replaces a price genai-prices deliberately leaves out (moderation, Gemma)."""
    return entry.prices if entry.prices and not any(entry.prices[0].values()) else []


def _same_price(row: Row, entry: Row) -> bool:
    """Input and output of the last price genai-prices knows; the other rates may be missing on either side."""
    return all(row.prices[-1].get(key) == entry.prices[0].get(key) for key in ("in", "out"))


def _without_snapshots(plan: ProviderPlan, own: Mapping[str, Row]) -> list[Row]:
    """Fold a dated or versioned id into the id without it when the price is the same."""
    kept = dict(own)
    for name, row in own.items():
        family = next((other for other in candidates(plan.name, name) if other != name and other in kept), None)
        if family and kept[family].same_price(row):
            kept[family].names.add(name)
            del kept[name]
    return list(kept.values())


if __name__ == "__main__":
    sys.exit(main())
