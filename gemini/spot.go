package gemini

// A spot is where in a body something stands. Arrays have no spot of their
// own: an element stands where its array does, so that one value in place of a
// list, or a list in place of one value, is understood as Google's own parser
// understands it.
type spot uint8

const (
	nowhere spot = iota

	// Objects of an answer.
	answerRoot
	candidate
	content
	feedback
	rating
	usage
	promptDetail
	outputDetail
	prediction // Imagen
	openaiImage
	choice // OpenAI chat, as aggregators answer
	chatMessage
	step       // Interactions
	incomplete // why a response of OpenAI's has no more
	item       // Interactions content; a part of OpenAI content
	wrapper    // whatever else holds an error
	ignored    // what is known and holds no picture that was made

	// Objects of a request.
	requestRoot
	turn
	system
	generation
	imageConfig
	responseFormat
	input // Interactions

	// Objects of both.
	part
	inlineData
	fileData
	imageURL
	imageSource // Anthropic

	// Objects of an error.
	errorObject
	errorDetail
	errorMetadata // of ErrorInfo
	gatewayData   // error.metadata of a router
	legacyError
	violation
	dimensions
	fieldViolation
	delay

	// Values. What stands at one of them is kept.
	finishReason
	continuation // token to go on by, of an answer and of a request
	endReason    // of the whole, where there are no candidates
	finishMessage
	blockReason
	blockMessage
	blocked
	modelVersion
	responseID
	modelName
	bodyID
	bodyKey
	usagePrompt
	usageCandidates
	usageThoughts
	usageTotal
	usageCached
	usageTool
	usageTier
	modality
	tokenCount
	gatewayMessage
	gatewayStatus
	gatewayCode
	choiceFinish
	choiceNative // a router's: what Google said
	chatText
	partText
	partThought
	partMIME
	partURI
	partType
	errorCode
	errorStatus
	errorMessage
	errorType
	rawText // a text in which another error may stand
	detailReason
	detailDomain
	detailDebug
	metadataEntry
	legacyReason
	legacyDomain
	metricName
	quotaID
	quotaValue
	futureValue
	dimensionModel
	dimensionLocation
	fieldName
	fieldDescription
	delaySeconds
	delayNanos
	turnRole
	systemText
	candidateCount
	responseModality
	aspectRatio
	imageSize
	serviceTier

	// Strings of which only the span is kept, and pictures.
	partSignature
	pictureData
	pictureURL   // a data URL or a link
	pictureGuess // what may be a picture or anything else
)

// A keep says what is kept of a string.
type keep uint8

const (
	keepNothing keep = iota
	keepText
	keepSpan
	keepPicture
	keepLink  // the address of a picture, or a data URL
	keepGuess // what is a picture if it looks like one
	keepURLs  // a text with pictures in it
)

// keeps says what is kept of a string at the spot.
func (p spot) keeps() keep {
	switch {
	case p == partSignature:
		return keepSpan
	case p == pictureData:
		return keepPicture
	case p == pictureGuess, p == openaiImage:
		return keepGuess
	case p == pictureURL, p == imageURL:
		return keepLink
	case p == errorObject, p == errorDetail, p == delay, p == item, p == input, p == system:
		return keepText // an object that some give as a string
	case p >= finishReason && p < partSignature:
		return keepText
	}
	return keepNothing
}

// isCode reports a place of words that mean something only when they are whole.
func (p spot) isCode() bool {
	switch p {
	case errorCode, errorStatus, errorType, gatewayCode, gatewayStatus, detailReason, legacyReason:
		return true
	default:
		return false
	}
}

// anyName stands in the grammar for all names that it does not list.
const anyName = "*"

// member gives the spot of the member of that name, nowhere if nothing there
// is of interest. Google's parser takes inline_data for inlineData.
func (p spot) member(name []byte) spot {
	var buf [64]byte
	members := grammar[p]
	if members == nil {
		return nowhere
	}
	if len(name) <= len(buf) {
		if at, ok := members[string(camel(buf[:0], name))]; ok {
			return at
		}
	}
	return members[anyName]
}

// camel appends the name in camelCase, as the protobuf JSON mapping makes it.
func camel(dst, name []byte) []byte {
	up := false
	for _, c := range name {
		if c == '_' {
			up = true
			continue
		}
		if up && c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		up = false
		dst = append(dst, c)
	}
	return dst
}
