package verdict

import "github.com/plantainhq/plantain"

// A cause is what happened, where that is finer than the class. It picks the
// words for a person and, here and there, other advice than the class's.
type cause string

const (
	// no answer, or not the whole of one
	noRoute       cause = "no route"
	halfSent      cause = "half sent"
	noAnswer      cause = "no answer"
	ownDeadline   cause = "own deadline"
	clientGone    cause = "client gone"
	cutAnswer     cause = "cut answer"
	brokenOff     cause = "broken off"
	proxyDeadline cause = "proxy deadline"

	// limits
	tokensEach cause = "provisioned throughput"
	zeroRegion cause = "zero in a region"
	freeTier   cause = "no free tier"
	longReset  cause = "long reset"
	openQuota  cause = "quota without a window"

	// money
	spendCap   cause = "spending cap"
	spendBurst cause = "ten-minute spend"
	creditGone cause = "credit gone"
	billingOff cause = "billing off"

	// keys and rights
	keyExpired  cause = "key expired"
	keyLeaked   cause = "key leaked"
	keyUnknown  cause = "key unknown"
	keyMissing  cause = "key missing"
	turnedAway  cause = "turned away by a Plantain"
	keyKind     cause = "key of the wrong kind"
	tokenBad    cause = "token refused"
	scopes      cause = "scopes"
	serviceOff  cause = "service off"
	suspended   cause = "suspended"
	accountOff  cause = "account off"
	restricted  cause = "key restricted"
	rightAbsent cause = "right missing"
	noProject   cause = "no project"
	notYours    cause = "not yours"
	regionBill  cause = "region without billing"

	// the request
	unknownField cause = "unknown field"
	badField     cause = "field"
	tooLong      cause = "too many tokens"
	tooLarge     cause = "too large"
	badPicture   cause = "broken picture"
	badBase64    cause = "base64"
	badRatio     cause = "aspect ratio"
	badSize      cause = "image size"
	textModel    cause = "text model"
	notEnabled   cause = "not enabled"
	modelName    cause = "model name"
	corrupted    cause = "corrupted signature"
	retired      cause = "retired"
	wrongURL     cause = "wrong URL"

	// answers
	blockedWords cause = "sensitive words"
	ownFilter    cause = "model armor"
	blockedImage cause = "input picture"
	thirdParty   cause = "third party"
	stopped      cause = "stopped by the filter"
	textOnly     cause = "text only"
	draftOnly    cause = "draft only"
	emptyAnswer  cause = "empty"
	noImageMade  cause = "no image made"
	toolSlip     cause = "tool call"
	otherReason  cause = "other"
	rephrase     cause = "other, to be put in other words"
	saidInternal cause = "internal, with status 200"
	continuation cause = "continuation"
	textAsAsked  cause = "text as asked"
	asLink       cause = "link"
	likeOther    cause = "like other text"

	// not to be told
	emptyBody    cause = "empty body"
	onlyCode     cause = "only a code"
	robotPage    cause = "robot page"
	guardPage    cause = "guard page"
	webPage      cause = "web page"
	newReason    cause = "unknown finish reason"
	strangeBody  cause = "strange body"
	strangePlace cause = "strange place"
	strangeCode  cause = "strange status"
	cutError     cause = "cut error"
	plainText    cause = "plain text"
	readInVain   cause = "read in vain"
)

// usual is what helps a class soonest.
var usual = map[plantain.Class]plantain.Retry{
	plantain.Unclassifiable:   plantain.RetryNo,
	plantain.Success:          plantain.RetryNo,
	plantain.QuotaUnknown:     plantain.RetryLater,
	plantain.RateMinute:       plantain.RetryLater,
	plantain.RateDay:          plantain.RetryOtherProject,
	plantain.QuotaZero:        plantain.RetryOtherProject,
	plantain.Billing:          plantain.RetryOtherProject,
	plantain.Capacity:         plantain.RetryLater,
	plantain.ServerError:      plantain.RetryLater,
	plantain.Timeout:          plantain.RetryLater,
	plantain.Unanswered:       plantain.RetryLater,
	plantain.ThoughtSignature: plantain.RetryAfterFix,
	plantain.BadRequest:       plantain.RetryAfterFix,
	plantain.KeyInvalid:       plantain.RetryOtherProject,
	plantain.Permission:       plantain.RetryOtherProject,
	plantain.Region:           plantain.RetryAfterFix,
	plantain.ModelNotFound:    plantain.RetryAfterFix,
	plantain.SafetyPrompt:     plantain.RetryAfterFix,
	plantain.SafetyImage:      plantain.RetryAfterFix,
	plantain.Recitation:       plantain.RetryLater,
	plantain.NoImage:          plantain.RetryLater,
	plantain.Truncated:        plantain.RetryAfterFix,
	plantain.ClientLimit:      plantain.RetryLater,
}

func (n finding) advice() plantain.Retry {
	if n.retry != "" {
		return n.retry
	}
	return usual[n.class]
}

// bound is the limit that binds: the one that was named, or that the class implies.
func (n finding) bound() plantain.Limit {
	switch n.class {
	case plantain.QuotaZero:
		return plantain.LimitZero
	case plantain.Capacity:
		return plantain.LimitSharedCapacity
	case plantain.QuotaUnknown:
		return "" // a kind without its window is no limit
	case plantain.Billing:
		if n.cause != billingOff {
			return plantain.LimitSpend
		}
		return ""
	default:
		return n.limit
	}
}

// filtered reports a class that `billing.filtered` is about.
func filtered(c plantain.Class) bool {
	return c == plantain.SafetyPrompt || c == plantain.SafetyImage || c == plantain.Recitation
}

// answered reports a class that Google gives with status 200. Under an error
// status it is the word of a gateway in between, so Google's rule on failed
// requests does not speak of it.
func answered(c plantain.Class) bool {
	return filtered(c) || c == plantain.NoImage || c == plantain.Truncated || c == plantain.Success
}
