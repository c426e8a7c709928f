import type { PullImageOptions } from '@ctr/runtime'

/** How a pull is shown. */
export interface ShownPull extends Omit<PullImageOptions, 'credentials' | 'onProgress'> {
  readonly quiet: boolean
  /** All tags of the repository, which is named without one. */
  readonly allTags?: boolean
  /** Where progress is printed: bars on a terminal, lines elsewhere. */
  readonly stream: NodeJS.WriteStream
}
