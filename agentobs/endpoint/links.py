"""Ratings by a link, for mails and chats, where no script runs: a page asks for confirmation, and its form rates.

Programs that look at links in mails follow them, so opening the page rates nothing.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from . import contract
from .http import Head, Response
from .problems import RefusedError
from .tokens import Signer

PATH = "/rate"
MEDIA_TYPE = "application/x-www-form-urlencoded"
_MEMBERS = ("token", "label", "name", "comment")
_WORDS = {
    "thumbs_up": "Good answer",
    "thumbs_down": "Bad answer",
    **{label: label.replace("_", " ") for label in contract.STARS},
}
_STYLE = (
    "body{font:1.1em/1.5 system-ui,sans-serif;max-width:30em;margin:3em auto;padding:0 1em;color-scheme:light dark}"
    "textarea,button{font:inherit;padding:.5em;box-sizing:border-box}textarea{width:100%;margin:.5em 0}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    # Not "no-referrer", with which browsers send no origin either.
    "referrer-policy": "same-origin",
    "x-robots-tag": "noindex",
}


def rating_link(endpoint: str, token: str, label: str, name: str | None = None) -> str:
    """A link that a user may click to rate an answer: `rating_link("https://shop.example/feedback", token, "thumbs_up")`.

    It opens a page of the endpoint that asks for confirmation.

    Args:
        endpoint: the whole address that the endpoint is mounted at.
        token: what `feedback_token` gave.
        label: `thumbs_up`, `thumbs_down`, or `1_star` to `5_stars`.
        name: what is rated, if it is not `user_feedback`, or `stars` for stars.

    Raises:
        ValueError: an address without http:// or https://, or another label.
    """
    if not endpoint.startswith(("https://", "http://")):
        raise ValueError(f"endpoint={endpoint!r} is not allowed; allowed is a whole address, beginning with https://")
    if label not in _WORDS:
        raise ValueError(f"label={label!r} is not allowed; allowed are {', '.join(_WORDS)}")
    implied = contract.STARS_NAME if label in contract.STARS else None
    members = {"token": token, "label": label, "name": name or implied}
    query = urlencode({member: value for member, value in members.items() if value is not None})
    return f"{endpoint.rstrip('/')}{PATH}?{query}"


def members_of(form: str) -> dict[str, str]:
    """The members of a query or a form.

    Raises:
        RefusedError: it has others, or one of them twice.
    """
    try:
        pairs = parse_qsl(form, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=10)
    except ValueError:
        raise RefusedError("malformed", "the form is not encoded in UTF-8, or has too many members") from None
    members = dict(pairs)
    if len(members) < len(pairs) or any(member not in _MEMBERS for member in members):
        raise RefusedError("malformed", f"the form may have once each: {', '.join(_MEMBERS)}")
    if members.get("label") not in _WORDS:
        raise RefusedError("malformed", f"label is not allowed; allowed are {', '.join(_WORDS)}")
    return members


def confirm(head: Head, signer: Signer) -> Response:
    """The page that asks whether to rate.

    Raises:
        RefusedError, BadTokenError: the link is not one that can be used.
    """
    members = members_of(head.query)
    posted = contract.from_members(dict(members))
    if posted.name not in signer.read(posted.token).names:
        raise RefusedError("scope", "the token was made for other names")
    hidden = "".join(
        f'<input type="hidden" name="{member}" value="{html.escape(members[member])}">'
        for member in ("token", "label", "name")
        if member in members
    )
    body = (
        f"<h1>{_WORDS[members['label']]}</h1><p>Send this rating?</p>"
        f'<form method="post" action="{PATH.strip("/")}">{hidden}<label>Comment (optional)'
        f'<textarea name="comment" rows="4" maxlength="{contract.COMMENT_CHARS}"></textarea></label>'
        "<button>Send</button></form>"
    )
    return _page(200, "Feedback", body)


def thanks() -> Response:
    """The page after a rating was taken."""
    return _page(200, "Thank you", "<h1>Thank you</h1><p>Your rating has been received.</p>")


def sorry(refused: RefusedError) -> Response:
    """The page for a rating that was turned away."""
    title = html.escape(refused.problem.title)
    return _page(
        refused.problem.status, title, f"<h1>{title}</h1><p>{html.escape(refused.detail)}</p>", refused.headers
    )


def _page(status: int, title: str, body: str, headers: Mapping[str, str] | None = None) -> Response:
    content = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta name="robots" content="noindex"><title>{title}</title><style>{_STYLE}</style><main>{body}</main>'
    )
    return Response(status, {**_HEADERS, **(headers or {})}, content.encode())
