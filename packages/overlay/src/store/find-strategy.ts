import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isOverlayError } from '../errors.js'
import { makeFolders } from '../files/make-folders.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { findFuseOverlayfs } from '../mount/mount-fuse.js'
import { mountOverlay } from '../mount/mount-overlay.js'
import type { MountStrategy } from '../mount/strategy.js'
import { Layout } from './layout.js'
import { TemporaryFolder } from './temporary-folders.js'

/** What {@link findStrategy} finds. */
export interface FoundStrategy {
  readonly strategy: MountStrategy
  /** Why it is not a better one, and what would help; undefined for `'overlay'`. */
  readonly reason: string | undefined
}

/**
 * Finds the best way to make roots of an ordinary user in a folder: an overlay is mounted there for a try, since
 * kernels and file systems differ in what they allow.
 *
 * @param folder - Of the store; made if it is missing.
 */
export async function findStrategy(folder: string, namespace: StoreUserNamespace): Promise<FoundStrategy> {
  const layout = new Layout(folder)
  makeFolders(layout.temporary)
  const refused = await tryOverlay(layout, namespace)
  if (refused === undefined) return { strategy: 'overlay', reason: undefined }
  const words = `the kernel refuses overlays in user namespaces here (${refused})`
  const { program, reason } = findFuseOverlayfs()
  if (program !== undefined) {
    return { strategy: 'fuse-overlayfs', reason: `${words}; fuse-overlayfs does it, slower than the kernel` }
  }
  return {
    strategy: 'copy',
    reason: `${words}, and ${reason}: every container is a copy of its whole image; install fuse-overlayfs`,
  }
}

/** Why no overlay can be mounted; undefined when one can. */
async function tryOverlay(layout: Layout, namespace: StoreUserNamespace): Promise<string | undefined> {
  await using temporary = TemporaryFolder.create(layout.temporary, namespace)
  const [lower, upper, work] = (['lower', 'upper', 'work'] as const).map((name) => {
    const path = join(temporary.path, name)
    mkdirSync(path)
    return path
  }) as [string, string, string]
  try {
    mountOverlay({ lower: [lower], upper, work, userxattr: true }, namespace).close()
    return undefined
  } catch (error) {
    if (!isOverlayError(error)) throw error
    return error.message.replace(/^cannot mount an overlay: /, '')
  }
}
