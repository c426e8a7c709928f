import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('on-terminal.py', import.meta.url))

/**
 * Runs a command on a terminal of 30 rows and 100 columns. Needs python3.
 *
 * @param typed - Keys, with the escapes of a string literal; typed once the command has printed "ready".
 * @param env - Environment of the command.
 * @returns What it printed, its exit code, and whether the terminal was as before in the end.
 */
export async function onTerminal(
  typed: string,
  command: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { stdout } = await promisify(execFile)('python3', [program, typed, ...command], {
    env: { ...env, NODE_OPTIONS: '' },
    timeout: 30_000,
  })
  return stdout
}
