"""What chance alone makes of a figure, so that alerts on change stay quiet where nothing has changed.

The factors were found by simulating stationary services for years: calls that come at random, 10 to 400 an hour, with
durations and tokens of a lognormal distribution with sigma 1.2; 5 to 400 ratings a day, thumbs up or down; 10 to 400
decisions an hour of which 10 to 29 % are escalated. With them an alert comes without cause less than once a year for each
series (0.7 for durations, 0.3 for tokens, 0.1 for ratings, 0.3 for decisions, where a plain limit gave up to 1800, 1300,
200 and 2700). A change that is too small for the volume is not told.
"""

from __future__ import annotations

from . import promql as q
from .panels import Limit

_TAIL = 10
"""Standard errors of the logarithm of a mean or a slow end, which has a long tail itself."""
_RATING = 4 * 0.5
"""Four standard errors of scores that are 0 or 1, the widest that there are."""
_SHARE = 4
"""Standard errors of a share."""


def _spread(*counts: q.Expr) -> q.Expr:
    """Standard error of what is computed from so many samples of standard deviation 1."""
    parts = [q.match("/", q.Number(1), count) for count in counts]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return q.sqrt(total)


def grown(growth: q.Expr, limit: float, now: q.Expr, before: q.Expr) -> q.Expr:
    """Where a mean or slow end of heavy-tailed samples has grown beyond the limit and beyond chance.

    `now` and `before` are the numbers of samples: 400 in both show a growth of 2, 100 one of 4, 25 one of 17.
    """
    return q.match(">", growth, q.clamp_min(q.exp(_spread(now, before) * _TAIL), limit))


def fallen(fall: q.Expr, limit: float, now: q.Expr, before: q.Expr) -> q.Expr:
    """Where a mean score has fallen beyond the limit and beyond chance: by 0.28 with 100 ratings, by 0.52 with 30."""
    return q.match(">", fall, q.clamp_min(_spread(now, before) * _RATING, limit))


def past(share: q.Expr, limit: Limit, count: q.Expr) -> q.Expr:
    """Where a share is above the limit by more than chance: of 100 where 30 % are allowed by 18 points, of 20 by 41."""
    return q.match(">", share, _spread(count) * (_SHARE * (limit.value * (1 - limit.value)) ** 0.5) + limit.value)
