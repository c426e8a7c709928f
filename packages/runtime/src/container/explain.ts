import { join } from 'node:path'
import { explain } from '@ctr/linux'
import { describe } from '@ctr/namespaces'
import { overlayParameters } from '@ctr/overlay'
import type { Context } from '../context.js'
import { sharedNamespaces } from '../sandbox/shared-namespaces.js'
import { plannedIds } from '../userns/claim-ids.js'
import { etcFiles } from './etc-files.js'
import { processOptions } from './process-options.js'
import { rootBase } from './root.js'
import { setupOf } from './setup-of.js'
import type { ContainerSpec } from './spec.js'
import { explainVolumes } from './volumes.js'

/**
 * The set-up of a container as text: every system call of its child, in order. Nothing is made; descriptors that
 * would be opened before show as 0.
 */
export function explainContainer(
  context: Context,
  { record, options, image, userNamespace }: ContainerSpec,
): string {
  const ids = plannedIds(userNamespace)
  const base = rootBase(options, image)
  const lower =
    base === undefined
      ? []
      : 'layers' in base
        ? [context.mountpoints, ...context.layers.view(base.layers).lower]
        : base.lower
  const [upper, work] = [join(context.layers.folder, 'upper'), join(context.layers.folder, 'work')]
  const root =
    ids !== undefined || (base !== undefined && context.layers.strategy === 'fuse-overlayfs')
      ? { given: 0 }
      : base === undefined || context.layers.strategy === 'copy'
        ? { folder: base === undefined ? options.rootfs! : upper }
        : {
            overlay: overlayParameters({
              lower,
              upper,
              work,
              volatile: !record.detached,
              userxattr: context.rootless !== undefined,
            }),
          }
  const binds = explainVolumes(context, options, image)
  using shared = sharedNamespaces(context, options)
  const setup = setupOf(context, record, options, {
    root,
    binds: ids === undefined ? binds : binds.map((bind) => ({ ...bind, mount: 0 })),
    files: etcFiles(context, record, options, { addresses: [] }),
    devpts: undefined,
    sharedMemory: shared.sharedMemory,
    ids: ids ?? context.rootless?.ids,
  })
  const netns = ['bridge', 'container'].includes(record.network.mode) ? 0 : undefined
  return describe(
    processOptions(context, { record, options }, setup, {
      shared,
      userns: ids === undefined ? undefined : { fd: 0, ids },
      netns,
      terminal: undefined,
      stdio: ['ignore', 'ignore', 'ignore'],
      joinFds: [],
    }),
  )
    .map(explain)
    .join('')
}
