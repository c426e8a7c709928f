import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { openPrompt } from '../attach/prompt.js'
import { interruptible } from '../attach/signals.js'
import type { Cli } from '../cli.js'
import { CliError, usageError } from '../errors.js'
import { addReachFlags, reachOf, type ReachFlags } from '../options/reach-flags.js'
import { printError, printLine } from '../output/pipe-end.js'

interface LoginFlags extends ReachFlags {
  readonly username?: string
  readonly password?: string
  readonly passwordStdin?: true
}

/** `ctrjs login`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] [SERVER]')
    .argument('[server]', undefined, 'docker.io')
    .option('-u, --username <string>', 'Username')
    .option('-p, --password <string>', 'Password; others can read it in the list of processes')
    .option('--password-stdin', 'Take the password from stdin')
  addReachFlags(command).action(async (server: string, flags: LoginFlags) => {
    const credentials = await ask(flags)
    const { login } = await import('@ctr/registry')
    using interrupt = interruptible()
    // an address as people copy it from a browser will do
    const host = server.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
    const { client } = await cli.registries(reachOf(flags, host))
    const { path, helper } = await login(server, credentials, { ...client, signal: interrupt.signal })
    if (helper === undefined) {
      printError(
        `WARNING! Your credentials are stored unencrypted in '${path}'.\nA credential helper, named by credsStore there, keeps them safer.\n`,
      )
    }
    printLine('Login Succeeded')
  })
}

async function ask({ username, password, passwordStdin }: LoginFlags): Promise<{
  readonly username: string
  readonly password: string
}> {
  if (passwordStdin === true) {
    if (password !== undefined) throw usageError('--password and --password-stdin are mutually exclusive')
    if (username === undefined) throw usageError('the --password-stdin option requires --username to be set')
    return { username, password: (await text(process.stdin)).replace(/\r?\n$/, '') }
  }
  if (password !== undefined)
    printError('WARNING! Using --password via the CLI is insecure. Use --password-stdin.')
  if (username !== undefined && password !== undefined) return { username, password }
  using prompt = openPrompt()
  const name = username ?? given(await prompt.ask('Username: ')).trim()
  return { username: name, password: password ?? given(await prompt.ask('Password: ', { hidden: true })) }
}

function given(answer: string | undefined): string {
  if (answer === undefined)
    throw new CliError('ERR_CLI_REFUSED', 'cannot log in: interrupted', { exitCode: 130 })
  return answer
}
