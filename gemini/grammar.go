package gemini

// members are the names at a spot that lead on to another.
type members map[string]spot

// grammar is what an answer, a request and an error can look like, as far as
// anything in them is of interest; the rest is skipped. It has the shapes of
// generateContent on both surfaces, of Imagen, Interactions and batch lines, those
// in which gateways answer (OpenAI's three and Anthropic's), and those that they
// put around an error (failures/README.md).
var grammar = map[spot]members{
	answerRoot: {
		"candidates": candidate, "promptFeedback": feedback, "usageMetadata": usage,
		"modelVersion": modelVersion, "responseId": responseID, "error": errorObject,
		"response": answerRoot, "key": bodyKey, // a batch line; Code Assist wraps in response, too
		"predictions": prediction, "data": openaiImage, "choices": choice,
		"steps": step, "outputs": item, "step": step, "delta": item, "interaction": answerRoot,
		"output": item, "item": item, "incompleteDetails": incomplete, // OpenAI's Responses
		"content": item, "stopReason": endReason, // Anthropic
		"image": openaiImage, "images": openaiImage, "imageUrl": openaiImage, "imageBase64": openaiImage,
		"result": openaiImage, "results": openaiImage, "artifacts": openaiImage, "files": openaiImage, // image hosts
		"usage": usage, "model": modelName, "id": bodyID,
		"message": gatewayMessage, "detail": gatewayMessage, "msg": gatewayMessage,
		"status": gatewayStatus, "code": gatewayCode, "details": rawText,
		"responseBody": rawText, "errorMessage": rawText, "errorDescription": rawText, "failureReason": rawText, "failReason": rawText, "failMsg": rawText,
		"errors": errorObject, "request": ignored, "instance": ignored,
		"instructions": ignored, "input": ignored, "tools": ignored, anyName: wrapper,
	},
	ignored: {anyName: ignored},
	wrapper: {
		"error": errorObject, "errors": errorObject, "responseBody": rawText,
		"candidates": candidate, "promptFeedback": feedback, "usageMetadata": usage, "modelVersion": modelVersion, "choices": choice, anyName: wrapper,
	},
	// Errors as objects in the place of a text.
	gatewayMessage: {"error": errorObject, "msg": gatewayMessage, "message": gatewayMessage, "type": gatewayCode},
	errorMessage:   {"error": errorObject},
	rawText:        {"error": errorObject},
	candidate: {
		"content": content, "finishReason": finishReason, "finishMessage": finishMessage,
		"continuationToken": continuation,
		"safetyRatings":     rating, "groundingMetadata": ignored, "citationMetadata": ignored,
		"urlContextMetadata": ignored, "logprobsResult": ignored,
	},
	content:  {"parts": part},
	feedback: {"blockReason": blockReason, "blockReasonMessage": blockMessage, "safetyRatings": rating},
	rating:   {"blocked": blocked},
	usage: {
		"promptTokenCount": usagePrompt, "candidatesTokenCount": usageCandidates,
		"thoughtsTokenCount": usageThoughts, "totalTokenCount": usageTotal,
		"cachedContentTokenCount": usageCached, "toolUsePromptTokenCount": usageTool,
		"serviceTier": usageTier, "promptTokensDetails": promptDetail, "candidatesTokensDetails": outputDetail,
		// Interactions
		"totalInputTokens": usagePrompt, "totalOutputTokens": usageCandidates,
		"totalThoughtTokens": usageThoughts, "totalTokens": usageTotal, "totalCachedTokens": usageCached,
		"totalToolUseTokens": usageTool, "inputTokensByModality": promptDetail, "outputTokensByModality": outputDetail,
		// OpenAI
		"promptTokens": usagePrompt, "completionTokens": usageCandidates,
		"inputTokens": usagePrompt, "outputTokens": usageCandidates,
	},
	promptDetail: {"modality": modality, "tokenCount": tokenCount, "tokens": tokenCount},
	outputDetail: {"modality": modality, "tokenCount": tokenCount, "tokens": tokenCount},
	prediction: {
		"bytesBase64Encoded": pictureData, "mimeType": partMIME, "gcsUri": partURI, "raiFilteredReason": finishMessage,
	},
	openaiImage: {
		"b64Json": pictureData, "url": pictureURL, "base64": pictureGuess, "error": errorObject,
		"mimeType": partMIME, "mediaType": partMIME, "contentType": partMIME,
		// an image host's wrapper of pictures, and a gateway's of an answer
		"image": openaiImage, "images": openaiImage, "imageUrl": openaiImage, "imageBase64": openaiImage,
		"output": openaiImage, "outputs": openaiImage, "result": openaiImage, "results": openaiImage, "artifacts": openaiImage,
		"candidates": candidate, "promptFeedback": feedback, "usageMetadata": usage, "modelVersion": modelVersion,
		"choices": choice, "failMsg": rawText, "failReason": rawText, anyName: wrapper,
	},
	choice: {
		"message": chatMessage, "delta": chatMessage, "finishReason": choiceFinish, "nativeFinishReason": choiceNative,
		"error": errorObject,
	},
	chatMessage: {
		"content": item, "images": item, "multiModContent": part, "contentBlocks": item, "refusal": item, "reasoning": ignored, "reasoningContent": ignored,
		"reasoningDetails": ignored, "thinkingBlocks": ignored, "extraContent": ignored,
		"providerSpecificFields": ignored, "toolCalls": ignored,
	},
	step:       {"content": item, "signature": ignored, "summary": ignored},
	incomplete: {"reason": endReason},
	item: {
		"type": partType, "text": partText, "mimeType": partMIME, "data": pictureData, "uri": partURI,
		"imageUrl": imageURL, "content": item, "signature": partSignature,
		"result": pictureGuess, "inlineData": inlineData, "source": imageSource, "error": errorObject,
		"thoughtSignature": ignored, "encryptedContent": ignored, "thinking": ignored, "summary": ignored, "arguments": ignored,
	},
	imageURL:    {"url": pictureURL},
	imageSource: {"mediaType": partMIME, "data": pictureData, "url": pictureURL},

	part: {
		"text": partText, "thought": partThought, "thoughtSignature": partSignature,
		"inlineData": inlineData, "fileData": fileData,
		"functionCall": ignored, "executableCode": ignored, "codeExecutionResult": ignored,
	},
	inlineData: {"mimeType": partMIME, "data": pictureData},
	fileData:   {"mimeType": partMIME, "fileUri": partURI},

	errorObject: {
		"code": errorCode, "status": errorStatus, "message": errorMessage, "type": errorType,
		"details": errorDetail, "errors": legacyError, "metadata": gatewayData, "error": errorObject,
		"body": rawText, "responseBody": rawText, "retryAfter": delay, "retryAfterSeconds": delay, anyName: wrapper,
	},
	errorDetail: {
		"reason": detailReason, "domain": detailDomain, "metadata": errorMetadata,
		"violations": violation, "fieldViolations": fieldViolation, "retryDelay": delay, "detail": detailDebug,
	},
	errorMetadata: {anyName: metadataEntry},
	gatewayData:   {"raw": rawText, "retryAfter": delay, "retryAfterSeconds": delay, anyName: wrapper},
	legacyError:   {"reason": legacyReason, "domain": legacyDomain},
	violation: {
		"quotaMetric": metricName, "quotaId": quotaID, "quotaDimensions": dimensions,
		"quotaValue": quotaValue, "futureQuotaValue": futureValue,
	},
	dimensions:     {"model": dimensionModel, "location": dimensionLocation},
	fieldViolation: {"field": fieldName, "description": fieldDescription},
	delay:          {"seconds": delaySeconds, "nanos": delayNanos},

	requestRoot: {
		"contents": turn, "systemInstruction": system, "generationConfig": generation, "serviceTier": serviceTier,
		"continuationToken": continuation,
		"request":           requestRoot, "generateContentRequest": requestRoot, // a batch line; countTokens
		// Interactions
		"input": input, "responseFormat": responseFormat, "responseModalities": responseModality,
	},
	turn:   {"role": turnRole, "parts": part},
	system: {"parts": system, "text": systemText},
	generation: {
		"imageConfig": imageConfig, "responseFormat": responseFormat, "candidateCount": candidateCount,
		"responseModalities": responseModality,
	},
	imageConfig:    {"aspectRatio": aspectRatio, "imageSize": imageSize},
	responseFormat: {"image": imageConfig, "aspectRatio": aspectRatio, "imageSize": imageSize},
	input: {
		"type": partType, "text": partText, "mimeType": partMIME, "data": pictureData, "uri": partURI,
		"content": input, "signature": partSignature,
	},
}
