// Command plantain is the gateway and its tools. This package reads flags,
// assembles the parts and prints; every decision lives below.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/alecthomas/kong"
)

const description = `A self-hosted gateway for Google's Nano Banana image models: the image comes back, it is paid for once, and there is always a reason when it doesn't.

Start with "plantain demo": it needs no key. With a key: export GEMINI_API_KEY=… and "plantain serve", then point your SDK at http://127.0.0.1:8787.`

// cli is every command. Each has a file of its own.
type cli struct {
	Demo     demoCmd     `cmd:"" help:"A simulated Google, the gateway and one real image through it. Needs no key."`
	Serve    serveCmd    `cmd:"" help:"Run the gateway."`
	Generate generateCmd `cmd:"" help:"Make one image."`
	Explain  explainCmd  `cmd:"" help:"Say what an answer or an error means: what happened, was it charged, what to do."`
	Symptom  symptomCmd  `cmd:"" help:"Find what you see, through the API or in the Gemini app: why, was it charged, what to do."`
	Lint     lintCmd     `cmd:"" help:"Read a prompt before it is paid for: what is missing, what trips the filter, and the prompt rewritten."`
	Doctor   doctorCmd   `cmd:"" help:"Is it Google or is it you: keys, network, status, models, quota; each with the fix."`
	Projects projectsCmd `cmd:"" help:"Show the pool: windows, headroom, what is parked until when and why."`
	Images   imagesCmd   `cmd:"" help:"The gallery: the images that were paid for."`
	Thread   threadCmd   `cmd:"" help:"The conversations: images, and what was made of them."`
	Spend    spendCmd    `cmd:"" help:"What was spent: by project, client, model, size, verdict, hour or day, with waste."`
	Keys     keysCmd     `cmd:"" help:"Virtual keys: who may use the gateway."`
	Models   modelsCmd   `cmd:"" help:"Show the models: ids, sizes, ratios, prices, which to take for what."`
	Sim      simCmd      `cmd:"" help:"Run Google's side on loopback, to test without a key."`
	Version  versionCmd  `cmd:"" help:"Show what this binary was built from."`

	Output string `short:"o" enum:"text,json" default:"text" help:"How to print results: text or json."`
	Config string `short:"c" type:"path" placeholder:"FILE" help:"The configuration. Default: plantain.yaml where there is one, else the environment."`
}

// world is what a command acts on, so that tests can run the same program.
type world struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	env    func(string) string
	output string // text or json
	config string // path of the configuration; empty: find it
	tty    bool   // stderr is a terminal: progress is welcome
	// lastWords are printed where a second Ctrl-C ends the process; nil: none.
	lastWords atomic.Pointer[string]
}

// errUsage marks an error that the command line caused: exit code 2.
var errUsage = errors.New("usage")

func main() {
	ctx, interrupt := context.WithCancel(context.Background())
	w := &world{ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Getenv, tty: isTerminal(os.Stderr)}
	go w.heed(interrupt)
	os.Exit(run(w, os.Args[1:]))
}

// heed interrupts the command on the first signal and ends the process on the
// second.
func (w *world) heed(interrupt func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	interrupt()
	<-signals
	if words := w.lastWords.Load(); words != nil {
		fmt.Fprintln(w.stderr, "plantain:", *words)
	}
	os.Exit(1)
}

// exitCode carries the end that kong wants (--help) out of its parser.
type exitCode int

// run is the whole program: 0 done, 1 failed, 2 wrong usage.
func run(w *world, args []string) (code int) {
	defer func() {
		switch c := recover().(type) {
		case nil:
		case exitCode:
			code = int(c)
		default:
			panic(c)
		}
	}()
	var c cli
	parser, err := kong.New(&c,
		kong.Name("plantain"), kong.Description(description), kong.UsageOnError(), kong.Writers(w.stdout, w.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Exit(func(n int) { panic(exitCode(n)) }),
	)
	if err != nil {
		panic(err) // the struct tags are wrong; every test would show it
	}
	args = asTyped(args)
	w.output = outputOf(args)
	parsed, err := parser.Parse(args)
	if err != nil {
		return w.fail(fmt.Errorf("%w (%s)", errors.Join(errUsage, err), whereToLook(err)))
	}
	w.output, w.config = c.Output, c.Config
	if err := parsed.Run(w, &c); err != nil {
		return w.fail(err)
	}
	return 0
}

// outputOf finds how to print in a command line that may be wrong, so that what is
// wrong is told in that way.
func outputOf(args []string) string {
	for i, a := range args {
		switch {
		case a == "--":
			return "text"
		case (a == "-o" || a == "--output") && i+1 < len(args) && args[i+1] == "json", a == "-ojson", a == "--output=json":
			return "json"
		}
	}
	return "text"
}

// fail prints an error once and gives the exit code.
func (w *world) fail(err error) int {
	if errors.Is(err, errTold) {
		return 1
	}
	code := 1
	if errors.Is(err, errUsage) {
		code = 2
	}
	if w.output == "json" {
		w.json(map[string]any{"error": message(err)})
	} else {
		w.complain(message(err))
	}
	return code
}

// asTyped understands what hands type for other programs: nothing, help, --version.
func asTyped(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(args[1:], "--help")
	case args[0] == "--version":
		return append([]string{"version"}, args[1:]...)
	default:
		return args
	}
}

// whereToLook names the help that teaches what a command line got wrong.
func whereToLook(err error) string {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) {
		if n := wrong.Context.Selected(); n != nil {
			return n.FullPath() + " --help tells more"
		}
	}
	return "plantain --help shows the commands"
}
