import { leave } from '@ctr/start'
import { main } from './oci/cli/main.js'

/** The bundle behind `ctr-runtime`: `bin.ts` loads it, with its compiled code kept. Ends this process. */
export async function run(argv: readonly string[], script: string | undefined): Promise<never> {
  return leave(await main(argv, script))
}
