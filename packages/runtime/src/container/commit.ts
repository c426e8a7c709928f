import type { Readable } from 'node:stream'
import { isCgroupError } from '@ctr/cgroups'
import { packTree } from '@ctr/overlay'
import type { ImageRunConfig, StoredImage } from '@ctr/registry'
import type { Context } from '../context.js'
import { isRuntimeError, RuntimeError } from '../errors.js'
import { changedConfig } from '../images/changes/changed-config.js'
import type { ContainerRecord } from './record.js'
import { mergedConfig, runConfigOf } from './run-config.js'

/** How to make an image of a container. */
export interface CommitOptions {
  /** Name of the image. Without it, it is found by its id. */
  readonly reference?: string | undefined
  readonly author?: string | undefined
  /** What its history says. */
  readonly message?: string | undefined
  /**
   * Instructions of a Dockerfile: `CMD`, `ENTRYPOINT`, `ENV`, `EXPOSE`, `HEALTHCHECK`, `LABEL`, `ONBUILD`, `USER`,
   * `VOLUME`, `WORKDIR`. They change what the container was started with, which its image has otherwise.
   */
  readonly changes?: readonly string[] | undefined
  /**
   * Members of the image's config that go before the container's, and that `changes` change. Sets, labels and variables
   * are added to the container's. Default none.
   */
  readonly config?: ImageRunConfig | undefined
  /** Pause it meanwhile, so that all files are of one instant. Default: where it runs and has a cgroup. */
  readonly pause?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** What making an image needs of a container. */
interface Committed {
  readonly pid: number | null
  readonly isPaused: boolean
  inspect(): ContainerRecord
  pause(): Promise<void>
  unpause(): Promise<void>
}

/** Makes an image of a container. Volumes are no part of it. */
export async function commitContainer(
  context: Context,
  container: Committed,
  { reference, author, message, changes = [], config = {}, pause, signal }: CommitOptions,
): Promise<StoredImage> {
  const record = container.inspect()
  const base = record.imageId === null ? undefined : await context.images.get(record.imageId)
  const given = mergedConfig(runConfigOf(base?.config.config ?? {}, record.given), config)
  const changed = changedConfig(given, changes)
  await using _paused = await pausedMeanwhile(context, container, pause)
  const created = new Date().toISOString()
  const { os, architecture, variant, history = [] } = base?.config ?? {}
  return await context.images.addOnTop(
    {
      below: base?.layers ?? [],
      tar:
        base === undefined ? await exportOf(context, record, signal) : await diffOf(context, record, signal),
      // as OCI names the image that another one was made of
      ...(base === undefined
        ? {}
        : { annotations: { 'org.opencontainers.image.base.digest': base.descriptor.digest } }),
      config: {
        ...(os === undefined ? {} : { os, architecture: architecture! }),
        ...(variant === undefined ? {} : { variant }),
        ...(author === undefined ? {} : { author }),
        created,
        config: changed,
        history: [
          ...history,
          {
            created,
            created_by: record.command.join(' '),
            ...(author === undefined ? {} : { author }),
            ...(message === undefined ? {} : { comment: message }),
          },
        ],
      },
    },
    { reference, signal },
  )
}

/**
 * All files of a container as a plain tar.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_UNSUPPORTED`: it has a user namespace of its own over an image, whose files
 *   belong to other ids than those that it has written.
 */
export async function exportOf(
  { layers, rootless }: Context,
  { name, rootId, rootfs, userNamespace }: ContainerRecord,
  signal: AbortSignal | undefined,
): Promise<Readable> {
  const namespace = rootless?.namespace
  if (rootId === null) return packTree(rootfs!, { signal, namespace })
  if (userNamespace !== null) {
    throw new RuntimeError(
      'ERR_RUNTIME_UNSUPPORTED',
      `cannot export container ${name}: it has a user namespace of its own; commit it, and export a container of the image`,
    )
  }
  return (await layers.openRoot(rootId)).export({ signal })
}

/** What a container has changed, with the ids that it knows. */
async function diffOf(
  { layers }: Context,
  { rootId, userNamespace }: ContainerRecord,
  signal: AbortSignal | undefined,
): Promise<Readable> {
  return (await layers.openRoot(rootId!)).diff({ signal, owners: userNamespace ?? undefined })
}

/** A container that was paused before, or does not run, stays as it is. */
async function pausedMeanwhile(
  { hasCgroups }: Context,
  container: Committed,
  wanted = hasCgroups,
): Promise<AsyncDisposable> {
  const pauses = wanted && container.pid !== null && !container.isPaused
  const isPaused = pauses && (await unlessEnded(() => container.pause()))
  return {
    async [Symbol.asyncDispose]() {
      if (isPaused) await unlessEnded(() => container.unpause())
    },
  }
}

/** False for a container that ends in this moment: nothing changes its files any more. */
async function unlessEnded(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    const isGone = isCgroupError(error) && error.code === 'ERR_CGROUP_NOT_FOUND'
    if (isGone || (isRuntimeError(error) && error.code === 'ERR_RUNTIME_NOT_RUNNING')) return false
    throw error
  }
}
