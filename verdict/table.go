package verdict

import "github.com/plantainhq/plantain"

// A phrase is a run of words that a message of one class holds, in lower case.
type phrase struct {
	text  string
	class plantain.Class
	cause cause
	retry plantain.Retry
}

// phrases: where several stand in one message, the one that is first here decides,
// as it names the deeper cause. The texts are those of captured bodies.
var phrases = newMatcher([]phrase{
	// where the caller is
	{text: "user location is not supported for the api use without", class: plantain.Region, cause: regionBill},
	{text: "user location is not supported", class: plantain.Region},
	{text: "available in your country", class: plantain.Region},
	{text: "supported in your country", class: plantain.Region},
	{text: "available in your region", class: plantain.Region},
	{text: "supported in your region", class: plantain.Region},
	{text: "available in your location", class: plantain.Region},
	{text: "unsupported_country", class: plantain.Region},

	// money
	{text: "spending cap", class: plantain.Billing, cause: spendCap},
	{text: "spend cap", class: plantain.Billing, cause: spendCap},
	{text: "spend limit", class: plantain.Billing, cause: spendBurst},
	{text: "spending limit", class: plantain.Billing, cause: spendBurst},
	{text: "spend-based rate limit", class: plantain.Billing, cause: spendBurst},
	{text: "prepay", class: plantain.Billing, cause: creditGone},
	{text: "prepaid", class: plantain.Billing, cause: creditGone},
	{text: "credits are depleted", class: plantain.Billing, cause: creditGone},
	{text: "out of credit", class: plantain.Billing, cause: creditGone},
	{text: "insufficient credit", class: plantain.Billing, cause: creditGone},
	{text: "insufficient balance", class: plantain.Billing, cause: creditGone},
	{text: "余额不足", class: plantain.Billing, cause: creditGone},
	{text: "预扣费", class: plantain.Billing, cause: creditGone},
	{text: "quota is not enough", class: plantain.Billing, cause: creditGone},
	{text: "requires more credits", class: plantain.Billing, cause: creditGone},
	{text: "额度不足", class: plantain.Billing, cause: creditGone},
	{text: "budget has been exceeded", class: plantain.Billing},
	{text: "dunning", class: plantain.Billing, cause: billingOff},
	{text: "billing to be enabled", class: plantain.Billing, cause: billingOff},
	{text: "billing is disabled", class: plantain.Billing, cause: billingOff},
	{text: "billing account for the owning project is disabled", class: plantain.Billing, cause: billingOff},
	{text: "accessible to billed users", class: plantain.Billing, cause: billingOff},
	{text: "enable billing", class: plantain.Billing, cause: billingOff},
	{text: "have a free quota tier", class: plantain.QuotaZero, cause: freeTier},
	{text: "available on the free tier", class: plantain.QuotaZero, cause: freeTier},
	{text: "available in the free tier", class: plantain.QuotaZero, cause: freeTier},

	// signatures; a field name that is not known is another fault
	{text: "unknown name", class: plantain.BadRequest, cause: unknownField},
	{text: "corrupted thought signature", class: plantain.ThoughtSignature, cause: corrupted},
	{text: "thought_signature' (type_bytes)", class: plantain.ThoughtSignature, cause: corrupted},
	{text: "thought_signature", class: plantain.ThoughtSignature},
	{text: "thought signature", class: plantain.ThoughtSignature},
	{text: "thoughtsignature", class: plantain.ThoughtSignature},

	// credentials
	{text: "api key expired", class: plantain.KeyInvalid, cause: keyExpired},
	{text: "reported as leaked", class: plantain.KeyInvalid, cause: keyLeaked},
	{text: "api key not found", class: plantain.KeyInvalid, cause: keyUnknown},
	{text: "api key not valid", class: plantain.KeyInvalid},
	{text: "api keys are not supported", class: plantain.KeyInvalid, cause: keyKind, retry: plantain.RetryAfterFix},
	{text: "unregistered callers", class: plantain.KeyInvalid, cause: keyMissing, retry: plantain.RetryAfterFix},
	{text: "missing required authentication credential", class: plantain.KeyInvalid, cause: keyMissing, retry: plantain.RetryAfterFix},
	{text: "missing api key", class: plantain.KeyInvalid, cause: keyMissing, retry: plantain.RetryAfterFix},
	{text: "api key is missing", class: plantain.KeyInvalid, cause: keyMissing, retry: plantain.RetryAfterFix},
	{text: "api key is required", class: plantain.KeyInvalid, cause: keyMissing, retry: plantain.RetryAfterFix},
	{text: "no api key", class: plantain.KeyInvalid, cause: keyMissing, retry: plantain.RetryAfterFix},
	{text: "missing a valid api key", class: plantain.KeyInvalid, cause: keyMissing, retry: plantain.RetryAfterFix},
	{text: "api key must be", class: plantain.KeyInvalid, cause: keyMissing, retry: plantain.RetryAfterFix},
	{text: "default credentials", class: plantain.KeyInvalid, cause: keyMissing, retry: plantain.RetryAfterFix},
	{text: "invalid authentication credentials", class: plantain.KeyInvalid, cause: tokenBad},
	{text: "invalid api key", class: plantain.KeyInvalid},
	{text: "incorrect api key", class: plantain.KeyInvalid},
	{text: "invalid_api_key", class: plantain.KeyInvalid},
	{text: "api_key_invalid", class: plantain.KeyInvalid},
	{text: "pass a valid api key", class: plantain.KeyInvalid},
	{text: "invalid_grant", class: plantain.KeyInvalid, cause: tokenBad},
	{text: "expired or revoked", class: plantain.KeyInvalid, cause: tokenBad},
	{text: "reauthentication is needed", class: plantain.KeyInvalid, cause: tokenBad},
	{text: "无效的令牌", class: plantain.KeyInvalid, cause: tokenBad},

	// rights
	{text: "insufficient authentication scopes", class: plantain.Permission, cause: scopes, retry: plantain.RetryAfterFix},
	{text: "has not been used in project", class: plantain.Permission, cause: serviceOff},
	{text: "has been suspended", class: plantain.Permission, cause: suspended},
	{text: "disabled in this account", class: plantain.Permission, cause: accountOff},
	{text: "violation of terms", class: plantain.Permission, cause: accountOff},
	{text: "verify your account", class: plantain.Permission, cause: accountOff},
	{text: "project has been denied access", class: plantain.Permission, cause: suspended},
	{text: "requests from referer", class: plantain.Permission, cause: restricted},
	{text: "requests from this android", class: plantain.Permission, cause: restricted},
	{text: "requests from this ios", class: plantain.Permission, cause: restricted},
	{text: "requests to this api generativelanguage", class: plantain.Permission, cause: restricted},
	{text: "requests to this api aiplatform", class: plantain.Permission, cause: restricted},
	{text: "ip address restriction", class: plantain.Permission, cause: restricted},
	{text: "valid google cloud project id", class: plantain.Permission, cause: noProject},
	{text: "cachedcontent not found", class: plantain.Permission, cause: notYours, retry: plantain.RetryAfterFix},
	{text: "not found: cache", class: plantain.BadRequest, cause: notYours},
	{text: "permission to access the file", class: plantain.Permission, cause: notYours, retry: plantain.RetryAfterFix},
	{text: "denied on resource", class: plantain.Permission, cause: rightAbsent},
	{text: "caller does not have permission", class: plantain.Permission},

	// filters, as gateways and older surfaces report them
	{text: "prompt could not be submitted", class: plantain.SafetyPrompt, cause: blockedWords},
	{text: "contains sensitive words", class: plantain.SafetyPrompt, cause: blockedWords},
	{text: "prompt was blocked", class: plantain.SafetyPrompt},
	{text: "prompt is blocked", class: plantain.SafetyPrompt},
	{text: "prompt blocked", class: plantain.SafetyPrompt},
	{text: "blocked prompt", class: plantain.SafetyPrompt},
	{text: "prompt_blocked", class: plantain.SafetyPrompt},
	{text: "request blocked by gemini", class: plantain.SafetyPrompt},
	{text: "response was blocked due to", class: plantain.SafetyPrompt},
	{text: "blocked due to recitation", class: plantain.Recitation, retry: plantain.RetryAfterFix},
	{text: "image_recitation", class: plantain.Recitation},
	{text: "image_safety", class: plantain.SafetyImage},
	{text: "image_prohibited_content", class: plantain.SafetyImage},
	{text: "third-party content providers", class: plantain.SafetyImage, cause: thirdParty},
	{text: "candidate was blocked due to safety", class: plantain.SafetyImage},
	{text: "candidate was blocked due to prohibited", class: plantain.SafetyImage},
	{text: "candidate was blocked due to blocklist", class: plantain.SafetyImage},
	{text: "candidate was blocked due to spii", class: plantain.SafetyImage},
	{text: "were filtered out because", class: plantain.SafetyImage},
	{text: "was filtered out because", class: plantain.SafetyImage},
	{text: "safety filter", class: plantain.SafetyImage},
	{text: "blocked by safety", class: plantain.SafetyImage},
	{text: "prohibited_content", class: plantain.SafetyPrompt},
	{text: "violate google's responsible ai", class: plantain.SafetyPrompt, cause: blockedWords},
	{text: "content_policy_violation", class: plantain.SafetyPrompt},
	{text: "moderation_blocked", class: plantain.SafetyPrompt},
	{text: "safety system", class: plantain.SafetyPrompt},
	{text: "input was flagged", class: plantain.SafetyPrompt},

	// no picture, as gateways report it
	{text: "image_other", class: plantain.NoImage},
	{text: "no_image", class: plantain.NoImage, cause: noImageMade, retry: plantain.RetryAfterFix},
	{text: "no image data", class: plantain.NoImage},
	{text: "no generated image", class: plantain.NoImage},
	{text: "no valid image", class: plantain.NoImage},
	{text: "no inline image", class: plantain.NoImage},
	{text: "no output image", class: plantain.NoImage},
	{text: "not contain 'predictions'", class: plantain.NoImage},
	{text: "no image was", class: plantain.NoImage},
	{text: "no images were", class: plantain.NoImage},
	{text: "no image generated", class: plantain.NoImage},
	{text: "no images generated", class: plantain.NoImage},
	{text: "no image in response", class: plantain.NoImage},
	{text: "no image in the response", class: plantain.NoImage},
	{text: "no image found in", class: plantain.NoImage},
	{text: "no image part", class: plantain.NoImage},
	{text: "returned no image", class: plantain.NoImage},
	{text: "contains no image", class: plantain.NoImage},
	{text: "no candidates", class: plantain.NoImage},
	{text: "not return an image", class: plantain.NoImage},
	{text: "n't return an image", class: plantain.NoImage},
	{text: "not generate an image", class: plantain.NoImage},
	{text: "n't generate an image", class: plantain.NoImage},

	// the model
	{text: "is not found for api version", class: plantain.ModelNotFound},
	{text: "unexpected model name format", class: plantain.BadRequest, cause: modelName},
	{text: "supports text output", class: plantain.BadRequest, cause: textModel},
	{text: "requested response modalities", class: plantain.BadRequest, cause: textModel},
	{text: "is no longer available", class: plantain.ModelNotFound, cause: retired},
	{text: "has been retired", class: plantain.ModelNotFound, cause: retired},
	{text: "has been shut down", class: plantain.ModelNotFound, cause: retired},
	{text: "has been discontinued", class: plantain.ModelNotFound, cause: retired},
	{text: "was not found or your project", class: plantain.ModelNotFound},
	{text: "is not servable", class: plantain.ModelNotFound},
	{text: "no available channel", class: plantain.ModelNotFound},
	{text: "无可用渠道", class: plantain.ModelNotFound},
	{text: "no such model", class: plantain.ModelNotFound},
	{text: "unknown model", class: plantain.ModelNotFound},
	{text: "model not found", class: plantain.ModelNotFound},
	{text: "model does not exist", class: plantain.ModelNotFound},
	{text: "` does not exist", class: plantain.ModelNotFound},
	{text: "was not found on this server", class: plantain.ModelNotFound, cause: wrongURL},

	// everybody's limits
	{text: "overloaded", class: plantain.Capacity},
	{text: "high demand", class: plantain.Capacity},
	{text: "no capacity available", class: plantain.Capacity},
	{text: "out of capacity", class: plantain.Capacity},
	{text: "rate-limited upstream", class: plantain.Capacity},
	{text: "upstream_provider_shared_pool", class: plantain.Capacity},
	{text: "resource exhausted. please try again later", class: plantain.Capacity},
	{text: "resource exhausted, please try again later", class: plantain.Capacity},
	{text: "负载已饱和", class: plantain.Capacity},
	{text: "error-code-429", class: plantain.Capacity},
	{text: "service is currently unavailable", class: plantain.Capacity},
	{text: "exceeded the provisioned throughput", class: plantain.RateMinute, cause: tokensEach},

	// the request
	{text: "payload size exceeds", class: plantain.BadRequest, cause: tooLarge},
	{text: "request entity too large", class: plantain.BadRequest, cause: tooLarge},
	{text: "payload too large", class: plantain.BadRequest, cause: tooLarge},
	{text: "content too large", class: plantain.BadRequest, cause: tooLarge},
	{text: "input token count", class: plantain.BadRequest, cause: tooLong},
	{text: "base64 decoding failed", class: plantain.BadRequest, cause: badBase64},
	{text: "image is not valid", class: plantain.BadRequest, cause: badPicture},
	{text: "unable to process input image", class: plantain.BadRequest, cause: badPicture},
	{text: "could not process image", class: plantain.BadRequest, cause: badPicture},
	{text: "aspect ratio", class: plantain.BadRequest, cause: badRatio},
	{text: "aspect_ratio", class: plantain.BadRequest, cause: badRatio},
	{text: "image_size", class: plantain.BadRequest, cause: badSize},
	{text: "imagesize", class: plantain.BadRequest, cause: badSize},
	{text: "is not enabled for", class: plantain.BadRequest, cause: notEnabled},
	{text: "invalid json payload", class: plantain.BadRequest, cause: badField},
	{text: "invalid value at", class: plantain.BadRequest, cause: badField},

	// deadlines that are not Google's
	{text: "context deadline exceeded", class: plantain.Timeout, cause: proxyDeadline},
	{text: "client.timeout", class: plantain.Timeout, cause: proxyDeadline},
	{text: "request timed out", class: plantain.Timeout, cause: proxyDeadline},
	{text: "read timed out", class: plantain.Timeout, cause: proxyDeadline},
	{text: "readtimeout", class: plantain.Timeout, cause: proxyDeadline},
	{text: "upstream request timeout", class: plantain.Timeout, cause: proxyDeadline},
	{text: "a timeout occurred", class: plantain.Timeout, cause: proxyDeadline},
	{text: "task timed out", class: plantain.Timeout, cause: proxyDeadline},

	// pages that are not the API's
	{text: "attention required! | cloudflare", class: plantain.Unclassifiable, cause: guardPage, retry: plantain.RetryLater},
	{text: "just a moment...", class: plantain.Unclassifiable, cause: guardPage, retry: plantain.RetryLater},
	{text: "automated queries", class: plantain.Unclassifiable, cause: robotPage, retry: plantain.RetryLater},
	{text: "status code (no body)", class: plantain.Unclassifiable, cause: emptyBody},
})

// weakPhrases decide where no status does: the text of a client or gateway.
var weakPhrases = newMatcher([]phrase{
	{text: "deadline", class: plantain.Timeout},
	{text: "timed out", class: plantain.Timeout},
	{text: "timeout", class: plantain.Timeout},
	{text: "internal server error", class: plantain.ServerError},
	{text: "internal error", class: plantain.ServerError},
	{text: "bad gateway", class: plantain.ServerError},
	{text: "service unavailable", class: plantain.Capacity},
	{text: "too many requests", class: plantain.QuotaUnknown},
	{text: "resource_exhausted", class: plantain.QuotaUnknown},
	{text: "unauthorized", class: plantain.KeyInvalid, cause: tokenBad},
	{text: "permission denied", class: plantain.Permission},
	{text: "invalid argument", class: plantain.BadRequest},
	{text: "invalid_argument", class: plantain.BadRequest},
})

// reasons are those of ErrorInfo (google.api.ErrorReason).
var reasons = map[string]finding{
	"API_KEY_INVALID":                 {class: plantain.KeyInvalid},
	"API_KEY_EXPIRED":                 {class: plantain.KeyInvalid, cause: keyExpired},
	"ACCESS_TOKEN_EXPIRED":            {class: plantain.KeyInvalid, cause: tokenBad},
	"ACCOUNT_STATE_INVALID":           {class: plantain.KeyInvalid, cause: tokenBad},
	"ACCESS_TOKEN_TYPE_UNSUPPORTED":   {class: plantain.KeyInvalid, cause: keyKind, retry: plantain.RetryAfterFix},
	"CREDENTIALS_MISSING":             {class: plantain.KeyInvalid, cause: keyMissing, retry: plantain.RetryAfterFix},
	"SERVICE_DISABLED":                {class: plantain.Permission, cause: serviceOff},
	"CONSUMER_SUSPENDED":              {class: plantain.Permission, cause: suspended},
	"CONSUMER_INVALID":                {class: plantain.Permission},
	"USER_PROJECT_DENIED":             {class: plantain.Permission},
	"RESOURCE_PROJECT_INVALID":        {class: plantain.Permission},
	"IAM_PERMISSION_DENIED":           {class: plantain.Permission, cause: rightAbsent},
	"ACCESS_TOKEN_SCOPE_INSUFFICIENT": {class: plantain.Permission, cause: scopes, retry: plantain.RetryAfterFix},
	"API_KEY_SERVICE_BLOCKED":         {class: plantain.Permission, cause: restricted},
	"API_KEY_HTTP_REFERRER_BLOCKED":   {class: plantain.Permission, cause: restricted},
	"API_KEY_IP_ADDRESS_BLOCKED":      {class: plantain.Permission, cause: restricted},
	"API_KEY_ANDROID_APP_BLOCKED":     {class: plantain.Permission, cause: restricted},
	"API_KEY_IOS_APP_BLOCKED":         {class: plantain.Permission, cause: restricted},
	"SECURITY_POLICY_VIOLATED":        {class: plantain.Permission},
	"ORG_RESTRICTION_VIOLATION":       {class: plantain.Permission},
	"LOCATION_POLICY_VIOLATED":        {class: plantain.Permission},
	"VALIDATION_REQUIRED":             {class: plantain.Permission, cause: accountOff},
	"BILLING_DISABLED":                {class: plantain.Billing, cause: billingOff},
	"MODEL_CAPACITY_EXHAUSTED":        {class: plantain.Capacity},
	"RATE_LIMIT_EXCEEDED":             {class: plantain.RateMinute},
	"QUOTA_EXHAUSTED":                 {class: plantain.QuotaUnknown, cause: openQuota},
}

// codeTexts are error codes that are words, in lower case: those of the
// Interactions API, with the HTTP status that it gives them.
var codeTexts = map[string]finding{
	"invalid_request":           {class: plantain.BadRequest, code: 400},
	"authentication":            {class: plantain.KeyInvalid, code: 401},
	"permission_denied":         {class: plantain.Permission, code: 403},
	"not_found":                 {class: plantain.ModelNotFound, code: 404},
	"model_not_found":           {class: plantain.ModelNotFound, code: 404},
	"rate_limit_exceeded":       {class: plantain.RateMinute, code: 429},
	"quota_exceeded":            {class: plantain.RateDay, code: 429},
	"api_error":                 {class: plantain.ServerError, code: 500},
	"service_unavailable":       {class: plantain.Capacity, code: 503},
	"deadline_exceeded":         {class: plantain.Timeout, code: 504},
	"image_safety":              {class: plantain.SafetyImage},
	"image_prohibited_content":  {class: plantain.SafetyImage},
	"image_recitation":          {class: plantain.Recitation},
	"image_other":               {class: plantain.NoImage},
	"no_image":                  {class: plantain.NoImage, cause: noImageMade, retry: plantain.RetryAfterFix},
	"missing_thought_signature": {class: plantain.ThoughtSignature},
}

// gatewayCodes are those of aggregators alone: Google's rules do not speak of them.
var gatewayCodes = map[string]finding{
	"invalid_api_key":          {class: plantain.KeyInvalid},
	"insufficient_quota":       {class: plantain.Billing, cause: creditGone},
	"insufficient_user_quota":  {class: plantain.Billing, cause: creditGone},
	"content_policy_violation": {class: plantain.SafetyPrompt},
	"moderation_blocked":       {class: plantain.SafetyPrompt},
	"prompt_blocked":           {class: plantain.SafetyPrompt},
	"overloaded_error":         {class: plantain.Capacity},
}

// statuses are the classes of HTTP codes where nothing finer is known.
var statuses = map[int]struct {
	class plantain.Class
	cause cause
}{
	400: {plantain.BadRequest, ""},
	401: {plantain.KeyInvalid, tokenBad},
	402: {plantain.Billing, creditGone},
	403: {plantain.Permission, ""},
	404: {plantain.ModelNotFound, ""},
	405: {plantain.ModelNotFound, wrongURL},
	408: {plantain.Timeout, ""},
	413: {plantain.BadRequest, tooLarge},
	429: {plantain.QuotaUnknown, ""},
	499: {plantain.Timeout, ""},
	500: {plantain.ServerError, ""},
	501: {plantain.ModelNotFound, wrongURL},
	502: {plantain.ServerError, ""},
	503: {plantain.Capacity, ""},
	504: {plantain.Timeout, ""},
	522: {plantain.Timeout, ""},
	524: {plantain.Timeout, proxyDeadline},
	529: {plantain.Capacity, ""},
}

// grpcCodes are the names of gRPC's codes by number; batch items carry numbers.
var grpcCodes = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// httpOf gives the HTTP code of a gRPC name (google.rpc.Code).
var httpOf = map[string]int{
	"CANCELLED": 499, "UNKNOWN": 500, "INVALID_ARGUMENT": 400, "DEADLINE_EXCEEDED": 504, "NOT_FOUND": 404,
	"ALREADY_EXISTS": 409, "PERMISSION_DENIED": 403, "RESOURCE_EXHAUSTED": 429, "FAILED_PRECONDITION": 400,
	"ABORTED": 409, "OUT_OF_RANGE": 400, "UNIMPLEMENTED": 501, "INTERNAL": 500, "UNAVAILABLE": 503, "DATA_LOSS": 500,
	"UNAUTHENTICATED": 401,
}
