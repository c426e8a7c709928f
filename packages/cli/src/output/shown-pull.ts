import type { PullImageOptions } from '@ctr/runtime'

/** How a pull is shown. */
export interface ShownPull extends Omit<PullImageOptions, 'credentials' | 'onProgress'> {
  readonly quiet: boolean
  /** Where progress is printed: bars on a terminal, lines elsewhere. */
  readonly stream: NodeJS.WriteStream
}
