import { isReadable } from '@ctr/start'
import { CliError } from '../../errors.js'
import type { ShownPull } from '../../output/shown-pull.js'
import { DaemonClient } from './daemon-client.js'
import { jsonLines } from './json-lines.js'
import { registryAuth } from './registry-auth.js'
import { imagePath, splitName } from './image-path.js'
import { platformFor } from './platform.js'

interface Progress {
  readonly id?: string
  readonly status?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
  readonly error?: string
}

/** Pulls an image by a daemon, and prints its steps. @returns Its name. */
export async function pullOnDaemon(
  client: DaemonClient,
  image: string,
  { quiet, allTags = false, stream, signal, platform }: ShownPull,
): Promise<string> {
  const [named, digest] = image.split('@')
  const { repository, tag = 'latest' } = splitName(named!)
  const answer = await client.stream('POST', '/images/create', {
    // who names no tag gets all of them
    query: { fromImage: repository, tag: allTags ? undefined : (digest ?? tag), platform },
    headers: await registryAuth(image),
    signal,
  })
  await printSteps(answer, quiet ? undefined : stream)
  if (digest !== undefined || allTags) return image
  return `${repository}:${tag}`
}

/** Pushes an image by a daemon, and prints its steps. */
export async function pushOnDaemon(
  host: string,
  image: string,
  { quiet, stream, signal, platform }: ShownPull,
): Promise<void> {
  using client = new DaemonClient(host)
  const { repository, tag } = splitName(image)
  const answer = await client.stream('POST', `${imagePath(repository)}/push`, {
    query: { tag: tag ?? 'latest', platform: await platformFor(client, platform, 'push') },
    headers: await registryAuth(image),
    signal,
  })
  await printSteps(answer, quiet ? undefined : stream)
}

/** A line for each step of each layer. */
async function printSteps(
  answer: AsyncIterable<Buffer>,
  stream: NodeJS.WriteStream | undefined,
): Promise<void> {
  const last = new Map<string, string>()
  for await (const { id, status, error } of jsonLines<Progress>(answer)) {
    if (error !== undefined) throw new CliError('ERR_CLI_DAEMON', error)
    if (status === undefined || (id !== undefined && last.get(id) === status)) continue
    if (id !== undefined) last.set(id, status)
    if (stream !== undefined && isReadable(stream))
      stream.write(`${id === undefined ? '' : `${id}: `}${status}\n`)
  }
}
