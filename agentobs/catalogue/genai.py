"""Names that OpenTelemetry's GenAI semantic conventions define.

Two generations are in use at once: `latest` is the conventions' main branch of October 2026, `compat` the names that
published instrumentations and today's dashboards know (v1.37 to v1.41). Attributes agree but for the cache write count.
"""

from __future__ import annotations

from .model import COMPAT, LATEST, Attribute, Event, Kind, Metric, Span
from .values import ToolType, values_of

SCHEMA_URL = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"

# --- attributes -------------------------------------------------------------------------------------------------------
OPERATION = Attribute(
    "gen_ai.operation.name",
    "string",
    "What was asked of the model or agent.",
    values=(
        "chat",
        "text_completion",
        "embeddings",
        "generate_content",
        "fetch_response",
        "invoke_agent",
        "execute_tool",
        "retrieval",
    ),
)
PROVIDER = Attribute("gen_ai.provider.name", "string", "Who serves the model, told from client and base URL.", bound=50)
REQUEST_MODEL = Attribute("gen_ai.request.model", "string", "The model that was asked for.", bound=100)
RESPONSE_MODEL = Attribute("gen_ai.response.model", "string", "The model that answered.", bound=100)
SERVER_ADDRESS = Attribute("server.address", "string", "Host of the provider's API.", bound=50, stability="stable")
SERVER_PORT = Attribute("server.port", "int", "Port of the provider's API.", bound=50, stability="stable")
ERROR_TYPE = Attribute(
    "error.type",
    "string",
    "The provider's error type or code, else the exception's class name.",
    bound=50,
    stability="stable",
)
CONVERSATION_ID = Attribute("gen_ai.conversation.id", "string", "The conversation the program named.")
OUTPUT_TYPE = Attribute("gen_ai.output.type", "string", "Requested form: text, json, image, speech.")
CHOICE_COUNT = Attribute("gen_ai.request.choice.count", "int", "Requested number of choices, if not 1.")
SEED = Attribute("gen_ai.request.seed", "int", "Requested seed.")
STREAM = Attribute("gen_ai.request.stream", "boolean", "True for a streamed call, else absent.")
TOP_K = Attribute("gen_ai.request.top_k", "int", "Requested top_k.")
TOP_P = Attribute("gen_ai.request.top_p", "double", "Requested top_p.")
MAX_TOKENS = Attribute("gen_ai.request.max_tokens", "int", "Requested limit of output tokens.")
TEMPERATURE = Attribute("gen_ai.request.temperature", "double", "Requested temperature.")
FREQUENCY_PENALTY = Attribute("gen_ai.request.frequency_penalty", "double", "Requested frequency penalty.")
PRESENCE_PENALTY = Attribute("gen_ai.request.presence_penalty", "double", "Requested presence penalty.")
STOP_SEQUENCES = Attribute("gen_ai.request.stop_sequences", "string[]", "Requested stop sequences.")
ENCODING_FORMATS = Attribute("gen_ai.request.encoding_formats", "string[]", "Requested encodings of embeddings.")
DIMENSION_COUNT = Attribute("gen_ai.embeddings.dimension.count", "int", "Dimensions of the embeddings.")
REASONING_LEVEL = Attribute("gen_ai.request.reasoning.level", "string", "Requested reasoning effort, as sent.")
PREVIOUS_RESPONSE_ID = Attribute("gen_ai.request.previous_response.id", "string", "The response that is continued.")
RESPONSE_ID = Attribute("gen_ai.response.id", "string", "The provider's id of the answer.")
RESPONSE_STATUS = Attribute("gen_ai.response.status", "string", "State of a fetched response.")
FINISH_REASONS = Attribute("gen_ai.response.finish_reasons", "string[]", "Why each choice ended, as the provider says.")
TIME_TO_FIRST_CHUNK = Attribute("gen_ai.response.time_to_first_chunk", "double", "Seconds to the first chunk.")
INPUT_TOKENS = Attribute("gen_ai.usage.input_tokens", "int", "Input tokens, cached ones included.")
OUTPUT_TOKENS = Attribute("gen_ai.usage.output_tokens", "int", "Output tokens, reasoning included.")
CACHE_READ_TOKENS = Attribute("gen_ai.usage.cache_read.input_tokens", "int", "Part of the input read from a cache.")
CACHE_WRITE_TOKENS = Attribute("gen_ai.usage.cache_write.input_tokens", "int", "Part of the input written to a cache.")
CACHE_CREATION_TOKENS = Attribute(
    "gen_ai.usage.cache_creation.input_tokens", "int", "The older name of the part written to a cache."
)
REASONING_TOKENS = Attribute("gen_ai.usage.reasoning.output_tokens", "int", "Part of the output spent on reasoning.")
AUDIO_INPUT_TOKENS = Attribute("gen_ai.usage.audio.input_tokens", "int", "Part of the input that is audio.")
AUDIO_OUTPUT_TOKENS = Attribute("gen_ai.usage.audio.output_tokens", "int", "Part of the output that is audio.")
AGENT_NAME = Attribute("gen_ai.agent.name", "string", "The agent, as the program named it.", bound=50)
AGENT_VERSION = Attribute("gen_ai.agent.version", "string", "Version of the agent, as the program named it.")
DATA_SOURCE_ID = Attribute("gen_ai.data_source.id", "string", "The index or collection that was searched.")
RETRIEVAL_TOP_K = Attribute("gen_ai.retrieval.top_k", "int", "Requested number of documents.")
TOOL_NAME = Attribute("gen_ai.tool.name", "string", "The tool that ran.", bound=100)
TOOL_TYPE = Attribute("gen_ai.tool.type", "string", "Where the tool runs.", values=values_of(ToolType))
TOOL_CALL_ID = Attribute("gen_ai.tool.call.id", "string", "The model's id of the tool call.")
TOOL_DESCRIPTION = Attribute("gen_ai.tool.description", "string", "What the tool is for.")
TOOL_ARGUMENTS = Attribute("gen_ai.tool.call.arguments", "json", "Arguments of the tool call; content, opt-in.")
TOOL_RESULT = Attribute("gen_ai.tool.call.result", "json", "Result of the tool call; content, opt-in.")
SYSTEM_INSTRUCTIONS = Attribute("gen_ai.system_instructions", "json", "System instructions; content, opt-in.")
INPUT_MESSAGES = Attribute("gen_ai.input.messages", "json", "The messages that were sent; content, opt-in.")
OUTPUT_MESSAGES = Attribute("gen_ai.output.messages", "json", "The messages that came back; content, opt-in.")
TOOL_DEFINITIONS = Attribute("gen_ai.tool.definitions", "json", "The tools that were offered; content, opt-in.")
TOKEN_TYPE = Attribute("gen_ai.token.type", "string", "Which tokens are counted.", values=("input", "output"))
TOKEN_MODALITY = Attribute(
    "gen_ai.token.modality",
    "string",
    "Modality of the tokens; unknown where the provider gives no split.",
    values=("text", "image", "audio", "unknown"),
)
EVALUATION_NAME = Attribute("gen_ai.evaluation.name", "string", "What was rated.", bound=30)
SCORE_VALUE = Attribute("gen_ai.evaluation.score.value", "double", "The score as a number.")
SCORE_LABEL = Attribute("gen_ai.evaluation.score.label", "string", "The score in a word.", bound=30)
EXPLANATION = Attribute("gen_ai.evaluation.explanation", "string", "The comment, redacted; content, opt-in.")
OPENAI_API_TYPE = Attribute("openai.api.type", "string", "chat_completions or responses.")
OPENAI_REQUEST_TIER = Attribute("openai.request.service_tier", "string", "The service tier asked for, if not auto.")
OPENAI_RESPONSE_TIER = Attribute("openai.response.service_tier", "string", "The service tier that served the call.")
OPENAI_FINGERPRINT = Attribute("openai.response.system_fingerprint", "string", "Fingerprint of the backend.")
AZURE_NAMESPACE = Attribute("azure.resource_provider.namespace", "string", "Microsoft.CognitiveServices on Azure.")
EXCEPTION_TYPE = Attribute("exception.type", "string", "Class of the exception.", stability="stable")
EXCEPTION_MESSAGE = Attribute("exception.message", "string", "Redacted text of the exception.", stability="stable")
SERVICE_NAME = Attribute("service.name", "string", "The service, from the resource.", bound=1, stability="stable")

# --- metrics ----------------------------------------------------------------------------------------------------------
CALL_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
CALL_TOKENS = (
    1,
    4,
    16,
    64,
    256,
    1024,
    4096,
    16384,
    65536,
    262144,
    1048576,
    4194304,
    16777216,
    67108864,
)
AGENT_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6)
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)

_COMMON = (OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, SERVER_ADDRESS, SERVER_PORT)

INFERENCE_DURATION = Metric(
    "gen_ai.client.inference.duration",
    Kind.HISTOGRAM,
    "s",
    "Duration of a model call as the caller sees it: retries included, to the end of the stream.",
    (*_COMMON, ERROR_TYPE),
    CALL_SECONDS,
    LATEST,
)
INFERENCE_FIRST_CHUNK = Metric(
    "gen_ai.client.inference.time_to_first_chunk",
    Kind.HISTOGRAM,
    "s",
    "Time from the call to the first chunk of a stream.",
    _COMMON,
    CALL_SECONDS,
    LATEST,
)
INFERENCE_PER_CHUNK = Metric(
    "gen_ai.client.inference.time_per_output_chunk",
    Kind.HISTOGRAM,
    "s",
    "Mean time between the chunks of a stream after its first; one sample for each stream.",
    _COMMON,
    CALL_SECONDS,
    LATEST,
)
USAGE_INPUT = Metric(
    "gen_ai.client.inference.usage.input_tokens",
    Kind.COUNTER,
    "{token}",
    "Input tokens that providers reported, cached ones included.",
    (*_COMMON, TOKEN_MODALITY),
    generations=LATEST,
)
USAGE_OUTPUT = Metric(
    "gen_ai.client.inference.usage.output_tokens",
    Kind.COUNTER,
    "{token}",
    "Output tokens that providers reported, reasoning included.",
    (*_COMMON, TOKEN_MODALITY),
    generations=LATEST,
)
USAGE_CACHE_READ = Metric(
    "gen_ai.client.inference.usage.cache_read.input_tokens",
    Kind.COUNTER,
    "{token}",
    "Part of the input tokens that was read from a cache.",
    (*_COMMON, TOKEN_MODALITY),
    generations=LATEST,
)
USAGE_CACHE_WRITE = Metric(
    "gen_ai.client.inference.usage.cache_write.input_tokens",
    Kind.COUNTER,
    "{token}",
    "Part of the input tokens that was written to a cache.",
    (*_COMMON, TOKEN_MODALITY),
    generations=LATEST,
)
USAGE_REASONING = Metric(
    "gen_ai.client.inference.usage.reasoning.output_tokens",
    Kind.COUNTER,
    "{token}",
    "Part of the output tokens that was spent on reasoning.",
    (*_COMMON, TOKEN_MODALITY),
    generations=LATEST,
)
CALL_INPUT_TOKENS = Metric(
    "gen_ai.client.inference.operation.input_tokens",
    Kind.HISTOGRAM,
    "{token}",
    "Input tokens of one call.",
    (*_COMMON, ERROR_TYPE),
    CALL_TOKENS,
    LATEST,
)
CALL_OUTPUT_TOKENS = Metric(
    "gen_ai.client.inference.operation.output_tokens",
    Kind.HISTOGRAM,
    "{token}",
    "Output tokens of one call.",
    (*_COMMON, ERROR_TYPE),
    CALL_TOKENS,
    LATEST,
)
OPERATION_DURATION = Metric(
    "gen_ai.client.operation.duration",
    Kind.HISTOGRAM,
    "s",
    "Duration of client operations: in the latest names those that are no inference, in the older ones all.",
    (*_COMMON, ERROR_TYPE),
    CALL_SECONDS,
)
OPERATION_FIRST_CHUNK = Metric(
    "gen_ai.client.operation.time_to_first_chunk",
    Kind.HISTOGRAM,
    "s",
    "Time from the call to the first chunk of a stream.",
    _COMMON,
    CALL_SECONDS,
    COMPAT,
)
OPERATION_PER_CHUNK = Metric(
    "gen_ai.client.operation.time_per_output_chunk",
    Kind.HISTOGRAM,
    "s",
    "Mean time between the chunks of a stream after its first; one sample for each stream.",
    _COMMON,
    CALL_SECONDS,
    COMPAT,
)
TOKEN_USAGE = Metric(
    "gen_ai.client.token.usage",
    Kind.HISTOGRAM,
    "{token}",
    "Tokens of one call by type.",
    (*_COMMON, TOKEN_TYPE),
    CALL_TOKENS,
    COMPAT,
)
AGENT_DURATION = Metric(
    "gen_ai.invoke_agent.duration",
    Kind.HISTOGRAM,
    "s",
    "Duration of an agent's run.",
    (AGENT_NAME, ERROR_TYPE),
    AGENT_SECONDS,
)
AGENT_INFERENCE_CALLS = Metric(
    "gen_ai.invoke_agent.inference_calls",
    Kind.HISTOGRAM,
    "{inference_call}",
    "Model calls of one agent run, failed ones included.",
    (AGENT_NAME,),
    COUNTS,
)
AGENT_TOOL_CALLS = Metric(
    "gen_ai.invoke_agent.tool_calls",
    Kind.HISTOGRAM,
    "{tool_call}",
    "Tool calls of one agent run, failed ones included.",
    (AGENT_NAME,),
    COUNTS,
)
TOOL_DURATION = Metric(
    "gen_ai.execute_tool.duration",
    Kind.HISTOGRAM,
    "s",
    "Duration of a tool call.",
    (TOOL_NAME, TOOL_TYPE, AGENT_NAME, ERROR_TYPE),
    CALL_SECONDS,
)

# --- spans and events -------------------------------------------------------------------------------------------------
_REQUEST = (
    OPERATION,
    PROVIDER,
    REQUEST_MODEL,
    SERVER_ADDRESS,
    SERVER_PORT,
    AGENT_NAME,
    CONVERSATION_ID,
    OUTPUT_TYPE,
    CHOICE_COUNT,
    SEED,
    STREAM,
    TOP_K,
    TOP_P,
    MAX_TOKENS,
    TEMPERATURE,
    FREQUENCY_PENALTY,
    PRESENCE_PENALTY,
    STOP_SEQUENCES,
    REASONING_LEVEL,
    PREVIOUS_RESPONSE_ID,
    OPENAI_API_TYPE,
    OPENAI_REQUEST_TIER,
    AZURE_NAMESPACE,
)
_RESPONSE = (
    RESPONSE_ID,
    RESPONSE_MODEL,
    FINISH_REASONS,
    TIME_TO_FIRST_CHUNK,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    CACHE_READ_TOKENS,
    CACHE_WRITE_TOKENS,
    CACHE_CREATION_TOKENS,
    REASONING_TOKENS,
    AUDIO_INPUT_TOKENS,
    AUDIO_OUTPUT_TOKENS,
    OPENAI_RESPONSE_TIER,
    OPENAI_FINGERPRINT,
    ERROR_TYPE,
)
_CONTENT = (SYSTEM_INSTRUCTIONS, INPUT_MESSAGES, OUTPUT_MESSAGES, TOOL_DEFINITIONS)

INFERENCE = Span(
    "{gen_ai.operation.name} {gen_ai.request.model}", "client", "One model call.", (*_REQUEST, *_RESPONSE, *_CONTENT)
)
EMBEDDINGS = Span(
    "embeddings {gen_ai.request.model}",
    "client",
    "One embeddings call.",
    (
        *_REQUEST,
        *_RESPONSE,
        ENCODING_FORMATS,
        DIMENSION_COUNT,
    ),
)
FETCH_RESPONSE = Span(
    "fetch_response",
    "client",
    "A stored response is fetched; no inference. It has usage where it is the first to show that of a background one.",
    (*_REQUEST, *_RESPONSE, *_CONTENT, RESPONSE_STATUS),
)
INVOKE_AGENT = Span(
    "invoke_agent {gen_ai.agent.name}",
    "internal",
    "One run of an agent.",
    (
        OPERATION,
        AGENT_NAME,
        AGENT_VERSION,
        CONVERSATION_ID,
        FINISH_REASONS,
        INPUT_TOKENS,
        OUTPUT_TOKENS,
        INPUT_MESSAGES,
        OUTPUT_MESSAGES,
        ERROR_TYPE,
    ),
)
EXECUTE_TOOL = Span(
    "execute_tool {gen_ai.tool.name}",
    "internal",
    "One call of a tool.",
    (
        OPERATION,
        TOOL_NAME,
        TOOL_TYPE,
        TOOL_CALL_ID,
        TOOL_DESCRIPTION,
        TOOL_ARGUMENTS,
        TOOL_RESULT,
        AGENT_NAME,
        CONVERSATION_ID,
        ERROR_TYPE,
    ),
)
RETRIEVAL = Span(
    "retrieval {gen_ai.data_source.id}",
    "client",
    "One search for documents.",
    (OPERATION, DATA_SOURCE_ID, PROVIDER, REQUEST_MODEL, RETRIEVAL_TOP_K, AGENT_NAME, CONVERSATION_ID, ERROR_TYPE),
)
DETAILS = Event(
    "gen_ai.client.inference.operation.details",
    "DEBUG",
    "A model call with its content; only where content capture is on.",
    (*_REQUEST, *_RESPONSE, *_CONTENT, RESPONSE_STATUS),
)
EXCEPTION = Event(
    "gen_ai.client.operation.exception",
    "WARN",
    "A model call failed.",
    (EXCEPTION_TYPE, EXCEPTION_MESSAGE, OPERATION, PROVIDER, REQUEST_MODEL, ERROR_TYPE),
)
EVALUATION = Event(
    "gen_ai.evaluation.result",
    "INFO",
    "Feedback or another rating of an answer, parented to the span of the answer.",
    (EVALUATION_NAME, SCORE_VALUE, SCORE_LABEL, EXPLANATION, RESPONSE_ID),
)
