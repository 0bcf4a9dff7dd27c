package verdict

import "github.com/plantainhq/plantain"

var limitWords = map[plantain.Limit]string{
	"":                "",
	plantain.LimitRPM: "requests-per-minute ",
	plantain.LimitIPM: "images-per-minute ",
	plantain.LimitTPM: "input-tokens-per-minute ",
	plantain.LimitRPD: "requests-per-day ",
	plantain.LimitIPD: "images-per-day ",
	plantain.LimitTPD: "tokens-per-day ",
}

// say is what happened and what to do.
type say struct{ said, fix string }

var classWords = map[plantain.Class]say{
	plantain.Unclassifiable: {
		"The answer cannot be told apart: it fits nothing known.",
		"Look at the answer itself before sending the request again."},
	plantain.Success: {
		"The picture is there.",
		"Nothing needs to be done."},
	plantain.QuotaUnknown: {
		"Google refused the request because some quota is used up, and did not say which.",
		"{after}, or send it through another project; if it goes on for minutes, look at the project's limits in AI Studio."},
	plantain.RateMinute: {
		"The project has used up its {limit}limit{value}{model}.",
		"{minute} and send the same request again, or send it through another project now: limits belong to a project, not to a key."},
	plantain.RateDay: {
		"The project has used up its {limit}limit{value}{model} for today.{stated}",
		"Send it through another project now; this one works again at midnight Pacific time."},
	plantain.QuotaZero: {
		"The project's {limit}limit{model} is 0, as it is for image models on the free tier, so no request can ever pass.{stated}",
		"Link a billing account to the project, or use a project that has one; waiting does not help."},
	plantain.Billing: {
		"Google refused the request because of the project's billing.",
		"Look at the project's billing in AI Studio, or send the request through another project."},
	plantain.Capacity: {
		"The model is overloaded for everybody{code}; the project's own limits are not the cause.",
		"{after}, then send the same request again; another project shares the same overload."},
	plantain.ServerError: {
		"The server failed{code}; the request itself need not be wrong.",
		"{after}, then send the same request again."},
	plantain.Timeout: {
		"The request was given up before an answer was ready{code}.",
		"{after}, then send it again with a longer deadline; large pictures and thinking take longest."},
	plantain.Unanswered: {
		"The request was sent and no whole answer came back.",
		"Check the bill before sending it again, because each attempt may cost."},
	plantain.ThoughtSignature: {
		"A turn of the conversation came back without the thought signature that Google gave with it{turn}.",
		"Send every part of the model's turns back as it came, thoughtSignature included."},
	plantain.BadRequest: {
		"Google refused the request as wrong{field}{quote}.",
		"Correct the request; the same one will be refused each time."},
	plantain.KeyInvalid: {
		"Google does not accept the API key.",
		"Make a new key for the project in AI Studio, or send the request through another project."},
	plantain.Permission: {
		"The credential is known, but it is not allowed to do this{code}.",
		"Use another project, or give this one the right that it lacks."},
	plantain.Region: {
		"Google does not offer this where the request comes from.",
		"Send it from a country that Google serves, or through Vertex AI; another key changes nothing."},
	plantain.ModelNotFound: {
		"Google has no model{lost}{version}{method}.",
		"Use a model id that is served today; image models want the method generateContent."},
	plantain.SafetyPrompt: {
		"Google blocked the prompt before anything was generated{why}.",
		"Change the words or the pictures of the prompt; the same one will be blocked again."},
	plantain.SafetyImage: {
		"The picture was made and then filtered out{why}.",
		"Change what the picture is to show; the same prompt is likely to be filtered again."},
	plantain.Recitation: {
		"The picture was held back because it is too like an existing one{why}.",
		"Send it again, which passed more often than not when tried, or ask for something less like a known work."},
	plantain.NoImage: {
		"The answer came without a picture.",
		"Send it again, and ask for an image in plain words."},
	plantain.ClientLimit: {
		"The gateway refused the request because its client may not use more, or not this; it was not sent to Google.",
		"Wait for the time that it names, or ask whoever gave the key out."},
	plantain.Truncated: {
		"The answer stopped at the limit of output tokens before a picture was there.",
		"Raise maxOutputTokens or leave it out, and lower the thinking level."},
}

// causeWords are those of a cause that has its own.
var causeWords = map[cause]say{
	noRoute: {
		"No connection to Google came about, so the network is at fault and not Google's answer.",
		"Check network, DNS, proxy and base URL, then send the same request again."},
	halfSent: {
		"The connection broke while the request was being sent, and no answer came.",
		"Check the connection; sending it again is safe only if paying twice is acceptable."},
	noAnswer: {
		"The whole request was sent, and the connection ended without an answer.",
		"Send it again only if paying twice is acceptable."},
	ownDeadline: {
		"The whole request was sent, and our own deadline passed before an answer came.",
		"Give it a longer deadline; send it again only if paying twice is acceptable."},
	clientGone: {
		"The whole request was sent, and it was cancelled on our side before an answer came.",
		"Send it again only if paying twice is acceptable."},
	cutAnswer: {
		"The answer began well and was cut off after {seen}.",
		"Send it again only if paying twice is acceptable; the picture that was cut cannot be saved."},
	brokenOff: {
		"A picture came, and then an error ended the answer.",
		"Use the picture that came; sending the request again would be paid for again."},

	tokensEach: {
		"The project has used up the throughput that it provisioned on Vertex AI.",
		"{minute} and send it again, or let it run on demand."},
	zeroRegion: {
		"The project's {limit}limit in the region{location} is 0, so no request can pass there.{stated}",
		"Use another location or another project; waiting does not help."},
	freeTier: {
		"The model has no free tier, and the project has no billing account.",
		"Link a billing account to the project, or use a project that has one; waiting does not help."},
	longReset: {
		"A quota{model} is used up that takes {wait} to come back.",
		"Send it through another project now, or wait {wait}."},
	openQuota: {
		"A quota{value}{model} is used up, and the answer does not say of what time.",
		"{after}, or send it through another project."},

	proxyDeadline: {
		"Something between here and Google stopped waiting{code}; Google itself may have gone on.",
		"Give it a longer deadline there; send it again only if paying twice is acceptable."},

	spendCap: {
		"The monthly spending cap is reached.",
		"Raise the cap at https://ai.studio/spend or wait for the next month; a project of another billing account works now."},
	spendBurst: {
		"The project has spent as much as its tier allows within ten minutes.",
		"Wait ten minutes, or send it through another project now."},
	creditGone: {
		"The prepaid credit of the account is used up.",
		"Buy credit for the billing account, or send it through a project of another account."},
	billingOff: {
		"The project has no working billing account.",
		"Link a billing account to the project, or use a project that has one."},

	keyExpired: {
		"The API key has expired.",
		"Renew the key in AI Studio, or send the request through another project."},
	keyLeaked: {
		"Google blocked the API key because it was found published.",
		"Delete that key, make a new one and keep it out of code; another project works at once."},
	keyUnknown: {
		"Google does not know the API key: it was deleted, mistyped, or is too new.",
		"Check the key in AI Studio; a new one takes some minutes to work."},
	keyMissing: {
		"The request carried no credential that Google could see.",
		"Send the API key in the header x-goog-api-key, or an OAuth token where the API wants one."},
	turnedAway: {
		"Plantain turned this away, not Google: it came without a key, or with one that is not or no longer the gateway's.",
		"Give your SDK a key of the gateway in the place of Google's; plantain keys create NAME makes one."},
	keyKind: {
		"The credential is of the wrong kind: this API wants an OAuth token, not an API key.",
		"Send an OAuth token, or call the Gemini API with the key; every other key fails the same way."},
	tokenBad: {
		"Google does not accept the credential: it is wrong or has expired.",
		"Renew the token, or send an API key in the header x-goog-api-key and not as a bearer token."},
	scopes: {
		"The OAuth token does not cover this API.",
		"Sign in again with the scope cloud-platform or generative-language."},
	serviceOff: {
		"The API{service} is switched off in the project.",
		"Enable it in the Google Cloud console and wait some minutes, or use another project."},
	suspended: {
		"Google suspended the key or its project.",
		"Ask Google's support about the project; another project works at once."},
	accountOff: {
		"Google closed or restricted the account itself.",
		"Write to Google's support; only a project of another account helps."},
	restricted: {
		"The API key has restrictions that forbid this call.",
		"Allow the Generative Language API and this caller in the key's restrictions, or use another key."},
	rightAbsent: {
		"The account lacks the right{right} on the model.",
		"Give it the role Vertex AI User, check project and location, or use another project."},
	noProject: {
		"The credential belongs to no Google Cloud project.",
		"Set a project for the credential, or use another one."},
	notYours: {
		"The request names a cache or a file that does not exist, or is of another project.",
		"Make the cache or file again with this project, or send the request to the project that made it."},
	regionBill: {
		"Google serves this place only to projects with a billing account.",
		"Link a billing account to the project, or send the request from elsewhere."},

	unknownField: {
		"The request has a field that this API version does not know{unknown}{field}.",
		"Take the field out or spell it right; the path v1beta takes more fields than v1."},
	badField: {
		"A field of the request has a wrong value{quote}.",
		"Correct that field; the same request will be refused each time."},
	tooLong: {
		"The prompt has more tokens than the model takes{quote}.",
		"Shorten it, or send fewer and smaller pictures."},
	tooLarge: {
		"The request body is too large.",
		"Send smaller pictures, or upload them as files and name them."},
	badPicture: {
		"Google cannot read a picture of the request{field}.",
		"Open the picture and save it again as PNG, JPEG or WebP, whole and under its true type."},
	badBase64: {
		"The data of a picture is not base64{field}.",
		"Send the bare base64, without a data: prefix and without line breaks."},
	badRatio: {
		"The model does not take the aspect ratio{quote}.",
		"Use a ratio of the model's list, or leave imageConfig.aspectRatio out."},
	badSize: {
		"The model does not take the image size{quote}.",
		"Use 512, 1K, 2K or 4K as the model allows, with a capital K, or leave imageConfig.imageSize out."},
	textModel: {
		"The model makes text only, and a picture was asked of it.",
		"Use an image model, or leave IMAGE out of responseModalities."},
	notEnabled: {
		"The request asks for a feature that the model does not have{quote}.",
		"Take the feature out, or use a model that has it."},
	modelName: {
		"The name of the model is malformed.",
		"Write the model id alone, such as gemini-3-pro-image."},
	corrupted: {
		"A thought signature of the conversation was changed, or is of another model or account.",
		"Send the model's turns back byte by byte as they came, or leave out the turn that has it."},
	retired: {
		"The model has been switched off{quote}.",
		"Use the model that took its place."},
	wrongURL: {
		"The address leads to no method of the API.",
		"Check base URL, API version, location and method of the address."},

	blockedWords: {
		"Google blocked the prompt because of words in it.",
		"Change those words; the format of the request is right."},
	ownFilter: {
		"The project's own Model Armor filter blocked the prompt.",
		"Change the prompt, or the template of Model Armor."},
	blockedImage: {
		"Google blocked a picture that was sent along.",
		"Use another picture; the same one will be blocked again."},
	thirdParty: {
		"The picture was held back in the interest of the owners of a known work or person{why}.",
		"Describe the look without names of works, brands or people."},
	stopped: {
		"Google's filter stopped the answer{why}.",
		"Change the prompt; the same one is likely to be stopped again."},
	likeOther: {
		"The answer was stopped because it repeats an existing text{why}.",
		"Ask for it in other words."},
	noImageMade: {
		"Google ended the answer without a picture{why}, which often is a block that is not called one.",
		"Say in plain words what is to be drawn; the same prompt gave the same answer when tried."},
	otherReason: {
		"Google ended the answer without a picture and gave no clear reason{why}.",
		"Send it once more; if it stays so, put the prompt in other words."},
	rephrase: {
		"The model could not make a picture of this prompt{why}.",
		"Put the prompt in other words."},
	toolSlip: {
		"The model tried to call a tool in place of making a picture{why}.",
		"Send it again, and say that no tool is to be called."},
	saidInternal: {
		"Google answered with status 200, but says that an internal error stopped it.",
		"Send it again, if a second charge is acceptable."},
	continuation: {
		"Google paused the answer (CONTINUATION) and wants to be asked to go on; official SDKs send it again by themselves, and each time is billed.",
		"Send its continuationToken on if going on is worth another charge; switch the SDK's own continuing off."},
	textOnly: {
		"The model answered with text alone.",
		"Read the text, which often says why; then ask for an image in plain words."},
	draftOnly: {
		"There is only a draft from the model's thinking, and no final picture.",
		"Send the same request again."},
	emptyAnswer: {
		"The answer is empty: no picture, no text, no reason.",
		"Send the same request again."},
	textAsAsked: {
		"The answer is text, as was asked.",
		"Nothing needs to be done."},
	asLink: {
		"The picture is there, as a link or a data URL inside the text.",
		"Fetch a link soon, because such links expire."},

	emptyBody: {
		"There was status 400 and no body: key, place or request may be at fault.",
		"Send a minimal prompt with the same key to tell which it is."},
	onlyCode: {
		"A library or router tells of status 400 and not of the body: key, place or request may be at fault.",
		"Look at the body of the answer, which was dropped on the way, or send a minimal prompt with the same key."},
	robotPage: {
		"Google's page against robots answered: it blocks the network address and not the key.",
		"Wait, and send from another address; another key from this one does not help."},
	guardPage: {
		"A protection page of a proxy answered, so the request never reached Google.",
		"Send it from another address, or past that proxy; the key is not at fault."},
	webPage: {
		"A web page came in place of an answer, so something between here and Google answered.",
		"Check base URL and proxy."},
	newReason: {
		"Google ended the answer for a reason that is not known here{why}.",
		"Look at the answer itself, and tell us of the new reason."},
	strangeBody: {
		"The body of {seen} is no answer and no error that is known.",
		"Check that the address is one of Google's API, and look at the body itself."},
	strangePlace: {
		"There is no picture where this API puts one, but {seen} stand in a place that is not known; they may be the picture.",
		"Look at the body itself before you pay for another try."},
	strangeCode: {
		"The status{code} is none that this API is known to give.",
		"Check base URL and proxy."},
	cutError: {
		"The body of the error{code} was cut off before it said what is wrong.",
		"Send a minimal prompt with the same key to see the whole error."},
	plainText: {
		"A text came in place of an answer, and it says nothing that is known.",
		"Check base URL and proxy, and look at the text itself."},
	readInVain: {
		"The program itself failed: most likely it read an answer without a picture (filtered, text alone, or empty) as if it had one.",
		"Before reading parts, print the whole answer, finishReason, finishMessage and promptFeedback above all, and explain that; " +
			"each try until then may be charged."},
}
