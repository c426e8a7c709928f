import { setFlagsFromString } from 'node:v8'
import { readDockerCredentials, RegistryClient } from '@ctr/registry'
import type { Runtime } from '@ctr/runtime'
import { isReadable } from '@ctr/start'
import { shortName } from '../output/image-name.js'
import type { ShownPull } from '../output/shown-pull.js'
import { showProgress } from '../output/transfer-progress.js'

/**
 * The heap may grow by so much, in percent, before V8 marks it anew. It is small and bytes that pass are not in it, but
 * make V8 mark it after every few megabytes of them: a third of the processor time of a pull, for nothing.
 */
const heapGrowth = 500

/**
 * Pulls all tags of a repository, one after the other.
 *
 * @returns The name of the repository.
 */
export async function pullRepository(
  runtime: Runtime,
  repository: string,
  shown: ShownPull,
): Promise<string> {
  await using client = new RegistryClient({ ...shown.registries, credentials: readDockerCredentials })
  for await (const tag of client.tags(repository, { signal: shown.signal }))
    await pullImage(runtime, `${repository}:${tag}`, shown)
  return repository
}

/**
 * Pulls an image and tells about it as Docker does.
 *
 * @returns Its name in full.
 */
export async function pullImage(
  runtime: Runtime,
  wanted: string,
  { quiet, stream, allTags: _one, ...options }: ShownPull,
): Promise<string> {
  setFlagsFromString(`--heap-growing-percent=${heapGrowth}`)
  const before = await idOf(runtime, wanted)
  using progress = quiet ? undefined : await showProgress(stream)
  const image = await runtime.images.pull(wanted, { ...options, onProgress: progress?.onEvent })
  progress?.[Symbol.dispose]()
  const name =
    image.references.find((reference) => shortName(reference) === shortName(wanted)) ??
    image.descriptor.digest
  if (!quiet && isReadable(stream)) {
    const digest = image.repositoryDigests[0]?.split('@')[1] ?? image.descriptor.digest
    stream.write(
      `Digest: ${digest}\nStatus: ${before === image.id ? 'Image is up to date' : 'Downloaded newer image'} for ${shortName(wanted)}\n`,
    )
  }
  return name
}

async function idOf(runtime: Runtime, wanted: string): Promise<string | undefined> {
  try {
    return (await runtime.images.get(wanted)).id
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_RUNTIME_IMAGE_NOT_FOUND') return undefined
    throw error
  }
}
