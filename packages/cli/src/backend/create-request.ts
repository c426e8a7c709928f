import type { RunOptions } from '@ctr/runtime'
import type { RunFlags } from '../options/run-flags.js'

/** A container that is to be made: what the flags say, as they were typed and as the runtime takes them. */
export interface CreateRequest {
  readonly flags: RunFlags
  readonly options: RunOptions
}
