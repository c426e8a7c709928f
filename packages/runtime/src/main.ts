import { main } from './oci/cli/main.js'

/** The bundle behind `ctr-runtime`: `bin.ts` loads it, with its compiled code kept. Ends this process. */
export async function run(argv: readonly string[], script: string | undefined): Promise<never> {
  const { exitCode, opened } = await main(argv, script)
  if (!opened) process.exit(exitCode)
  const { leave } = await import('./oci/cli/leave.js') // system calls are made already: this loads nothing
  return leave(exitCode)
}
