package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/controller"
	"blackstart/cmd/finrag/internal/dnsserver"
	"blackstart/cmd/finrag/internal/region"
	"blackstart/cmd/finrag/internal/vector"
)

// Exit codes. 2 stays free: Go's own panics use it.
const (
	exitUsage  = 10 // bad flags, or a configuration that cannot be used
	exitFailed = 11 // could not start, or failed while running
)

// usageError is an error the person at the keyboard can mend.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error) int {
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "finrag",
		Short:         "A small two-region system: API, DNS and failover controller",
		Args:          func(c *cobra.Command, args []string) error { return asUsage(cobra.NoArgs(c, args)) },
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		subcommand("region", "Serve one region: HTTPS API over PostgreSQL and a vector index", config.LoadRegion,
			func(ctx context.Context, c config.Region, log *slog.Logger) (runner, error) {
				region.Continue(c, log)
				return region.New(ctx, c, build, log)
			}),
		subcommand("dns", "Serve the public name, and the choice between its two addresses", config.LoadDNS,
			func(_ context.Context, c config.DNS, log *slog.Logger) (runner, error) { return dnsserver.New(c, log) }),
		subcommand("controller", "Watch the primary region, and fail over to the standby", config.LoadController,
			func(_ context.Context, c config.Controller, log *slog.Logger) (runner, error) {
				return controller.New(c, build, log)
			}),
		version(),
	)
	return root
}

type runner interface{ Run(context.Context) error }

// subcommand makes the command that loads one configuration file and runs what it describes until it is told to stop.
func subcommand[C any](name, short string, load func(string) (C, error), make func(context.Context, C, *slog.Logger) (runner, error)) *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:     name + " --config FILE",
		Short:   short,
		Long:    short + ".\n\nLogs JSON lines on stderr. Stops on SIGTERM within two seconds.\nExit codes: 0 stopped as told, 10 bad usage or configuration, 11 failure.",
		Example: "  finrag " + name + " --config " + name + ".yaml",
		Args:    func(c *cobra.Command, args []string) error { return asUsage(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error {
			if path == "" {
				return usageError{errors.New("--config is missing: name the configuration file")}
			}
			conf, err := load(path)
			if err != nil {
				return usageError{err}
			}
			log := slog.New(slog.NewJSONHandler(c.ErrOrStderr(), nil)).With("service", name)
			r, err := make(c.Context(), conf, log)
			if err != nil {
				return err
			}
			return r.Run(c.Context())
		},
	}
	c.Flags().StringVar(&path, "config", "", "configuration file (YAML)")
	return c
}

func asUsage(err error) error {
	if err != nil {
		return usageError{err}
	}
	return nil
}

func version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the build and its ranking rule as JSON",
		Example: "  finrag version",
		Args:    func(c *cobra.Command, args []string) error { return asUsage(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error {
			return json.NewEncoder(c.OutOrStdout()).Encode(map[string]string{"build": build, "ranking": vector.Rule})
		},
	}
}
