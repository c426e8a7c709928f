import { parseArgs } from 'node:util'

/** What a run was asked for. */
export interface BenchOptions {
  /** The whole result as JSON on standard output. */
  readonly json: boolean
  /** Few iterations: to see that everything works, not to compare. */
  readonly quick: boolean
  /** Names of the cases to measure; empty for all. */
  readonly only: readonly string[]
  /** Idle containers of ours in the memory case. */
  readonly containers: number
  /** Write `docs/benchmarks.md`. */
  readonly write: boolean
  /** What `--json` printed in an earlier run on this machine: its cases join those of this one. */
  readonly earlier?: string | undefined
  readonly help: boolean
}

/** Reads the command line. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      containers: { type: 'string' },
      write: { type: 'boolean', default: false },
      earlier: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const containers = Number(values.containers ?? (values.quick ? 50 : 500))
  if (!Number.isInteger(containers) || containers < 1 || containers > 5000) {
    throw new Error(`cannot start ${String(values.containers)} containers: --containers takes 1 to 5000`)
  }
  return { ...values, only: values.only.flatMap((names) => names.split(',')), containers }
}

/** What `--help` prints. */
export function usage(names: readonly string[]): string {
  return `npm run bench -- [options]

  --only NAME        only this case, also several times: ${names.join(', ')}
  --quick            few iterations
  --containers N     idle containers in the memory case (default 500)
  --json             the whole result as JSON
  --write            write docs/benchmarks.md
  --earlier FILE     take the cases that are not measured now from FILE, which --json wrote on this machine

Peers (crun, runc, podman, docker) are taken from the PATH, or from the script that BENCH_PEERS names: it is
called with "exec COMMAND..." to run a command among them, with "dockerd" to start a Docker daemon, and with
"stop" to end what it has started.`
}
