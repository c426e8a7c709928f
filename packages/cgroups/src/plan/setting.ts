/** One value that goes into one interface file. */
export interface Setting {
  /** The controller that owns the file, which must be there. */
  readonly controller: string
  /** Name of the file in the group's folder. */
  readonly file: string
  /** What is written, in one `write(2)`. */
  readonly value: string
  /** What to do when this kernel has no such file: nothing, or the next setting. Without it that is an error. */
  readonly otherwise?: 'skip' | Setting | undefined
}
