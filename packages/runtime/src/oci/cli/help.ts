import { commands } from './commands/index-of-commands.js'
import type { Command } from './command.js'
import { globalOptions } from './globals.js'
import type { Options } from './options.js'

/** Text of `--help` without a command. */
export function programHelp(name: string): string {
  const width = Math.max(...commands.map((entry) => entry.name.length)) + 2
  return `NAME:
   ${name} - Open Container Initiative runtime

Makes and runs containers from bundles: folders with a config.json and a root file system, as the OCI runtime
specification describes them. Engines such as Podman, Docker, containerd and Buildah call it.

Usage: ${name} [OPTION...] COMMAND [ARGUMENT...]

COMMANDS:
${commands.map((entry) => `   ${entry.name.padEnd(width)}${entry.summary}`).join('\n')}
   ${'help'.padEnd(width)}print this, or what a command takes

OPTIONS:
${describe(globalOptions)}

'${name} COMMAND --help' says more about a command.
`
}

/** Text of `COMMAND --help`. */
export function commandHelp(
  program: string,
  { name, summary, usage, description, options }: Command,
): string {
  const all = {
    ...options,
    help: { type: 'boolean', short: 'h', help: 'print this' },
  } as const satisfies Options
  return `NAME:
   ${program} ${name} - ${summary}

Usage: ${program} [OPTION...] ${name} ${usage}
${description === undefined ? '' : `\n${description}\n`}
OPTIONS:
${describe(all)}
`
}

function describe(options: Options): string {
  const rows = Object.entries(options)
    .filter(([, { hidden }]) => hidden !== true)
    .map(([name, { short, value, help }]) => {
      const flags = short === undefined ? `--${name}` : `--${name}, -${short}`
      return [value === undefined ? flags : `${flags} ${value}`, help] as const
    })
  const width = Math.max(...rows.map(([flags]) => flags.length)) + 2
  return rows.map(([flags, help]) => `   ${flags.padEnd(width)}${help}`).join('\n')
}
