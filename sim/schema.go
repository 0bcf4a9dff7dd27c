package sim

import (
	"fmt"
	"strings"
)

// message maps the fields of a protobuf message, by camelCase name, to the message inside: nil for a scalar or for a
// part of the API that is not checked here.
type message map[string]message

// The request as Google's parser knows it (gemini-api.md §2). What is not here is "Cannot find field".
var requestSchema, countSchema message

func init() {
	blob := message{"mimeType": nil, "data": nil, "displayName": nil}
	file := message{"mimeType": nil, "fileUri": nil, "displayName": nil}
	part := message{
		"text": nil, "inlineData": blob, "fileData": file, "functionCall": nil, "functionResponse": nil,
		"executableCode": nil, "codeExecutionResult": nil, "videoMetadata": nil, "thought": nil,
		"thoughtSignature": nil, "partMetadata": nil, "mediaResolution": nil, "toolCall": nil, "toolResponse": nil,
	}
	content := message{"role": nil, "parts": part}
	imageConfig := message{
		"aspectRatio": nil, "imageSize": nil,
		"personGeneration": nil, "prominentPeople": nil, "imageOutputOptions": {"mimeType": nil, "compressionQuality": nil},
	}
	config := message{
		"responseModalities": nil, "imageConfig": imageConfig,
		"responseFormat": {
			"image": {"aspectRatio": nil, "imageSize": nil, "mimeType": nil, "delivery": nil}, "text": nil, "audio": nil,
		},
		"candidateCount": nil, "seed": nil, "temperature": nil, "topP": nil, "topK": nil, "maxOutputTokens": nil,
		"mediaResolution": nil, "thinkingConfig": {"thinkingLevel": nil, "includeThoughts": nil, "thinkingBudget": nil},
		"stopSequences": nil, "responseMimeType": nil, "responseSchema": nil, "responseJsonSchema": nil,
		"presencePenalty": nil, "frequencyPenalty": nil, "responseLogprobs": nil, "logprobs": nil,
		"speechConfig": nil, "enableEnhancedCivicAnswers": nil,
	}
	requestSchema = message{
		"model": nil, "contents": content, "systemInstruction": content, "generationConfig": config,
		"safetySettings": {"category": nil, "threshold": nil, "method": nil}, "tools": nil, "toolConfig": nil,
		"cachedContent": nil, "serviceTier": nil, "store": nil, "continuationToken": nil,
	}
	countSchema = message{"model": nil, "contents": content, "generateContentRequest": requestSchema,
		"systemInstruction": content, "generationConfig": config, "tools": nil}
}

// fieldViolation is an entry of google.rpc.BadRequest.
type fieldViolation struct {
	Field       string `json:"field,omitempty"`
	Description string `json:"description"`
}

// unknown lists the fields of v that m has not got, in Google's words (gemini-api.md §6).
func (m message) unknown(v value, path string) []fieldViolation {
	var found []fieldViolation
	for _, f := range v.fields {
		inner, ok := m[camel(f.name)]
		if !ok {
			at := ""
			if path != "" {
				at = fmt.Sprintf(" at '%s'", path)
			}
			found = append(found, fieldViolation{path,
				fmt.Sprintf("Invalid JSON payload received. Unknown name %q%s: Cannot find field.", f.name, at)})
			continue
		}
		if inner == nil {
			continue
		}
		name := strings.TrimPrefix(path+"."+snake(camel(f.name)), ".")
		if f.kind != '[' {
			found = append(found, inner.unknown(f.value, name)...)
			continue
		}
		for i, item := range f.items {
			found = append(found, inner.unknown(item, fmt.Sprintf("%s[%d]", name, i))...)
		}
	}
	return found
}
