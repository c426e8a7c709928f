import type { RunOptions } from '@ctr/runtime'

/** A limit of storage as the API has it, where options of drivers are texts. */
export function storageBody({ bytes, inodes }: NonNullable<RunOptions['storage']>): Record<string, string> {
  return {
    ...(bytes === undefined ? {} : { size: String(bytes) }),
    ...(inodes === undefined ? {} : { inodes: String(inodes) }),
  }
}
