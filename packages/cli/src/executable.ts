import { leave } from '@ctr/start'
import { main } from './main.js'

/** The bundle behind `ctrjs`: `bin.ts` loads it, with its compiled code kept. Ends this process. */
export async function run(argv: readonly string[]): Promise<never> {
  return leave(await main(argv)) // which has waited until all output is written
}
