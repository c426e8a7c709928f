import { leave } from '@ctr/start'
import type { LoadEngine } from './cli.js'
import { runCommand } from './main.js'

/** The bundle behind `ctrjs`: `bin.ts` loads it, with its compiled code kept. Ends this process. */
export async function run(argv: readonly string[], loadEngine: LoadEngine): Promise<never> {
  return leave(await runCommand(argv, loadEngine)) // which has waited until all output is written
}
