import { join } from 'node:path'
import { explain } from '@ctr/linux'
import { describe } from '@ctr/namespaces'
import { overlayParameters } from '@ctr/overlay'
import type { Context } from '../context.js'
import { etcFiles } from './etc-files.js'
import { processOptions } from './process-options.js'
import { rootBase } from './root.js'
import { bindOf, setupOf } from './setup-of.js'
import type { ContainerSpec } from './spec.js'

/**
 * The set-up of a container as text: every system call of its child, in order. Nothing is made; descriptors that
 * would be opened before show as 0.
 */
export function explainContainer(context: Context, { record, options, image }: ContainerSpec): string {
  const base = rootBase(options, image)
  const lower =
    base === undefined
      ? []
      : 'layers' in base
        ? [context.mountpoints, ...context.layers.view(base.layers).lower]
        : base.lower
  const [upper, work] = [join(context.layers.folder, 'upper'), join(context.layers.folder, 'work')]
  const root =
    base === undefined
      ? { folder: options.rootfs! }
      : {
          overlay: overlayParameters({
            lower,
            upper,
            work,
            volatile: !record.detached,
            userxattr: context.rootless !== undefined,
          }),
        }
  const setup = setupOf(context, record, options, {
    root,
    binds: (options.volumes ?? []).map(bindOf),
    files: etcFiles(context, record, undefined),
    devpts: undefined,
  })
  const netns = record.network.mode === 'bridge' ? 0 : undefined
  return describe(
    processOptions(context, record, setup, {
      netns,
      terminal: undefined,
      stdio: ['ignore', 'ignore', 'ignore'],
      joinFds: [],
    }),
  )
    .map(explain)
    .join('')
}
