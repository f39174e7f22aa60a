"""litellm, by its own callbacks: one call for each that it makes, whichever client or HTTP library it makes it with.

`Logging.pre_call` and `post_call` say where a request begins and ends, so that the call of a client below (openai) and
its retries are part of litellm's; the callbacks say what came of it, at litellm's own times. Read in litellm 1.110.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from ... import guard
from ...records.calls import CallRequest
from ..apis import parameters
from ..apis.answer import Answer
from ..apis.chat_completions import ChatCompletion
from ..apis.embeddings import Embeddings
from ..apis.openai_content import input_content
from ..apis.responses import Response
from ..observer import Observer, State
from ..patching import Installed, Patch
from ..reading import fields, pick, text, whole
from ..seams.callbacks import CallbackCalls

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "ollama_chat": "ollama",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
_Kind = tuple[str, Mapping[str, parameters.Rule], type[Answer]]
_CHAT: _Kind = ("chat", parameters.CHAT_COMPLETIONS, ChatCompletion)
_KINDS: dict[str, _Kind] = {
    "completion": _CHAT,
    "text_completion": ("text_completion", parameters.COMPLETIONS, ChatCompletion),
    "embedding": ("embeddings", parameters.EMBEDDINGS, Embeddings),
    "responses": ("chat", parameters.RESPONSES, Response),
}
_LISTS = (
    "callbacks",
    "success_callback",
    "failure_callback",
    "_async_success_callback",
    "_async_failure_callback",
)
# Streams of these have usage only where the program asks for it; what litellm has then is its own estimate.
_ASKED_FOR_USAGE = frozenset({"openai", "azure", "text-completion-openai", "custom_openai", "hosted_vllm"})


class LiteLLM:
    """What is told of litellm's calls."""

    def __init__(self, observer: Observer, library: Any) -> None:
        self._calls = CallbackCalls(observer, library.__name__)
        self._library = library
        self._logger = self._make_logger(library)

    def _make_logger(self, library: Any) -> Any:
        told = self

        class AgentobsLogger(library.integrations.custom_logger.CustomLogger):  # type: ignore[misc]
            """litellm tells this one of calls that are over."""

            def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
                told.succeeded(kwargs, response_obj, end_time)

            def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
                told.failed(kwargs, end_time)

            async def async_log_success_event(
                self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
            ) -> None:
                told.succeeded(kwargs, response_obj, end_time)

            async def async_log_failure_event(
                self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
            ) -> None:
                told.failed(kwargs, end_time)

        return AgentobsLogger()

    # --- patches ---
    def pre_call(self, wrapped: Any, logging: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The request is about to be made."""
        result = wrapped(*args, **kwargs)
        try:
            self._listen()
            started = _seconds(logging.start_time)
            self._calls.begin(
                logging.litellm_call_id, logging, lambda state: _answer(state, logging), int(started * 1e9)
            )
        except Exception as error:  # noqa: BLE001
            guard.failed("call.open", error)
        return result

    def post_call(self, wrapped: Any, logging: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The request is over, well or badly."""
        try:
            self._calls.requested(logging.litellm_call_id)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.leave", error)
        return wrapped(*args, **kwargs)

    # --- callbacks ---
    def succeeded(self, details: Any, response: Any, end_time: Any) -> None:
        """A call is over: its answer is whole, chunks put together."""

        def read(answer: Answer) -> None:
            if not answer.take(response):
                answer.reject(response)
            usage = answer.result.usage
            if usage is not None and _estimated(details):
                answer.result.usage = None
            elif usage is not None and usage.cache_write_tokens is None:
                usage.cache_write_tokens = whole(pick(pick(response, "usage"), "cache_creation_input_tokens"))

        self._calls.answered(details.get("litellm_call_id"), read, _seconds(end_time))

    def failed(self, details: Any, end_time: Any) -> None:
        """A call failed."""
        error = details.get("exception")
        if isinstance(error, BaseException):
            self._calls.failed(details.get("litellm_call_id"), error, _seconds(end_time))

    def _listen(self) -> None:
        # Each time, because programs set litellm's lists anew; they are short.
        manager = self._library.logging_callback_manager
        for name, add in (
            ("success_callback", manager.add_litellm_success_callback),
            ("failure_callback", manager.add_litellm_failure_callback),
            ("_async_success_callback", manager.add_litellm_async_success_callback),
            ("_async_failure_callback", manager.add_litellm_async_failure_callback),
        ):
            if all(each is not self._logger for each in getattr(self._library, name)):
                add(self._logger)

    def remove(self) -> None:
        """Take the logger out of litellm's lists."""
        for name in _LISTS:
            listed = getattr(self._library, name, None)
            if isinstance(listed, list):
                listed[:] = [each for each in listed if each is not self._logger]


def _seconds(moment: Any) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else time.time()


def _answer(state: State, logging: Any) -> Answer | None:
    kind = _KINDS.get(str(logging.call_type).removeprefix("a")) or _KINDS.get(str(logging.call_type))
    if kind is None:
        return None
    operation, rules, answer = kind
    details = fields(logging.model_call_details)
    named = text(details.get("custom_llm_provider")) or "unknown"
    url = urlsplit(str(pick(details.get("litellm_params"), "api_base") or ""))
    asked = fields(details.get("optional_params"))
    given = {rules[key][0]: rules[key][1](asked[key]) for key in asked.keys() & rules.keys()}
    request = CallRequest(
        operation,
        state.provider_hosts.get(url.hostname or "", _PROVIDERS.get(named, named)),
        text(logging.model),
        url.hostname,
        url.port or {"https": 443, "http": 80}.get(url.scheme),
        bool(logging.stream),
        {name: value for name, value in given.items() if value is not None},
    )
    if state.capture != "none":
        body = {**asked, "messages": details.get("messages")}
        request.content = lambda: input_content(body, details=state.capture == "full")
    return answer(request, state.capture != "none")


def _estimated(details: Any) -> bool:
    """Whether litellm counted the tokens itself, because the provider did not say."""
    if not details.get("stream") or details.get("custom_llm_provider") not in _ASKED_FOR_USAGE:
        return False
    options = pick(details.get("optional_params"), "stream_options")
    return pick(options, "include_usage") is not True


def install(module: ModuleType, observer: Observer) -> Installed:
    """Listen to `litellm`, and follow its requests."""
    library: Any = module
    told = LiteLLM(observer, library)
    owner = library.litellm_core_utils.litellm_logging.Logging
    patches = [Patch.wrap(owner, "pre_call", told.pre_call), Patch.wrap(owner, "post_call", told.post_call)]
    return Installed(patches, told.remove)
