import type { Program, Ref, Results } from '@ctr/linux'

/** Finds the folder that an entry goes into, for a call: its descriptor, or what an earlier call will return. */
export type FolderOf = (parent: string) => number | Ref

/**
 * One thing to be done in the layer, in the order of its archive. Most are a few system calls that succeed: those of
 * many steps are made as one program. What is in the way of one is dealt with by single calls.
 */
export interface Step {
  /** Path of the entry, for errors. */
  readonly path: string
  /** Adds its calls; undefined when it needs more than a list of calls. */
  readonly plan?: ((program: Program, folderOf: FolderOf) => void) | undefined
  /** True while it cannot be planned: what it goes on with is under way. */
  readonly mustWait?: (() => boolean) | undefined
  /** All calls that it has added were made. */
  readonly done?: (results: Results) => void
  /**
   * Does it by single calls: one of those that it has added failed, those before it were made.
   *
   * @param planned - Results up to the failed entry; undefined when nothing was tried.
   */
  readonly now: (planned?: { readonly results: Results; readonly reached: number }) => void
}
