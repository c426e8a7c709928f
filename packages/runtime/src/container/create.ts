import type { Context } from '../context.js'
import { startTicks } from '../host.js'
import { RuntimeError } from '../errors.js'
import { checkEnv } from '../check-options.js'
import type { CreateContainerOptions, StartContainerOptions } from '../options.js'
import { Rollback } from '../rollback.js'
import { claimContainer } from './claim.js'
import { keptOptions, optionsOfRun } from './kept-options.js'
import type { ContainerRecord } from './record.js'
import { prepareRootForLater } from './root.js'
import { resolveSpec, type ContainerSpec } from './spec.js'
import { explainFailure } from './start-failure.js'
import { mountsOf, prepareVolumes } from './volumes.js'

/** Makes a container that is started later: its root, its volumes, its record. Whatever fails, nothing is left. */
export async function createContainer(
  context: Context,
  { id, volatile = false, ...options }: CreateContainerOptions,
): Promise<ContainerRecord> {
  if (id !== undefined && !/^[0-9a-f]{64}$/.test(id))
    throw invalid(`cannot create container ${JSON.stringify(id)}: an id has 64 hexadecimal digits`)
  const resolved = await resolveSpec(context, options, id)
  if (resolved.userNamespace !== 'host') {
    throw new RuntimeError(
      'ERR_RUNTIME_UNSUPPORTED',
      'cannot create a container with a user namespace of its own: only run() makes them',
    )
  }
  const spec = { ...resolved, record: { ...resolved.record, detached: true, status: 'created' as const } }
  if (spec.image !== undefined) await context.images.unpack(spec.image)
  const rollback = new Rollback()
  try {
    return await make(context, spec, volatile, rollback)
  } catch (error) {
    throw await rollback.run(explainFailure(error, spec))
  }
}

async function make(
  context: Context,
  spec: ContainerSpec,
  volatile: boolean,
  rollback: Rollback,
): Promise<ContainerRecord> {
  const { id } = spec.record
  await context.turns.next()
  claimContainer(context, id, rollback)
  const rootId = await prepareRootForLater(context, spec, { volatile }, rollback)
  const { binds, volumes } = await prepareVolumes(context, spec, rollback)
  const options = keptOptions(spec.options, volumes)
  const record: ContainerRecord = {
    ...spec.record,
    rootId,
    volumes,
    mounts: mountsOf(binds),
    options,
  }
  context.records.save(record)
  context.owner.settled(id)
  return record
}

/**
 * What is to be started of a container that was created before.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_RUNNING`; `ERR_RUNTIME_INVALID_ARG`: it was made by `run()` and
 *   not detached, or removes itself, or has a user namespace of its own.
 */
export async function specOfKept(
  context: Context,
  kept: ContainerRecord,
  run: StartContainerOptions,
): Promise<ContainerSpec> {
  const { id, name, options, status, imageId, pid } = kept
  if (options === null)
    throw invalid(
      `cannot start container ${name} again: it was neither created nor run detached, removes itself, or has a user namespace of its own`,
    )
  if (status === 'running') {
    const what =
      pid !== null && startTicks(pid) === kept.startTicks ? 'it runs' : 'its end is just being noted'
    throw new RuntimeError('ERR_RUNTIME_RUNNING', `cannot start container ${id.slice(0, 12)}: ${what}`)
  }
  checkEnv(run.env ?? {})
  const record: ContainerRecord = {
    ...kept,
    env: { ...kept.env, ...run.env },
    status: 'running',
    pid: null,
    startTicks: null,
    bootId: context.host.bootId,
    owner: context.owner.name,
    exit: null,
  }
  const image = imageId === null ? undefined : await context.images.get(imageId)
  return { record, options: optionsOfRun(options, run), image, userNamespace: 'host', kept }
}

function invalid(message: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_INVALID_ARG', message)
}
