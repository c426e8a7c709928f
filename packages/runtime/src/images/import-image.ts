import { Readable } from 'node:stream'
import { decompressed, parsePlatform, type StoredImage } from '@ctr/registry'
import { RuntimeError } from '../errors.js'
import { addUnpacked, type ImageStores } from './add-unpacked.js'
import { changedConfig } from './changes/changed-config.js'

/** How to make an image of an archive of files. */
export interface ImportOptions {
  /** Name of the image. Without it, it is found by its id. */
  readonly reference?: string | undefined
  /** Instructions of a Dockerfile, such as `CMD ["sh"]`. See `CommitOptions.changes`. */
  readonly changes?: readonly string[] | undefined
  /** What its history says. */
  readonly message?: string | undefined
  /** `os/architecture[/variant]`. Default: this machine's. */
  readonly platform?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Makes an image of one layer out of a tar, plain or compressed with gzip or zstd. */
export async function importImage(
  stores: ImageStores,
  source: AsyncIterable<Uint8Array>,
  { reference, changes = [], message, platform, signal }: ImportOptions,
): Promise<StoredImage> {
  const config = changedConfig({}, changes)
  const created = new Date().toISOString()
  return await addUnpacked(
    stores,
    {
      below: [],
      tar: await decompressed(source),
      config: {
        ...(platform === undefined ? {} : parsePlatform(platform)),
        created,
        config,
        history: [{ created, comment: message ?? 'imported' }],
      },
    },
    { reference, signal },
  )
}

/**
 * Opens a file of the web.
 *
 * @param address - `http:` or `https:`, with a name and a password where the server wants them.
 * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: no such address; `ERR_RUNTIME_DOWNLOAD`: it cannot be had;
 *   Node's `AbortError`.
 */
export async function download(address: string, signal?: AbortSignal): Promise<Readable> {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot download ${JSON.stringify(address)}: it is no address of http or https`,
    )
  }
  const headers = passwordHeader(url)
  url.username = url.password = ''
  let response: Response
  try {
    response = await fetch(url, { headers, signal: signal ?? null })
  } catch (cause) {
    if (signal?.aborted === true) throw cause
    throw new RuntimeError('ERR_RUNTIME_DOWNLOAD', `cannot download ${url.href}: ${reasonOf(cause)}`, {
      cause,
    })
  }
  if (response.ok && response.body !== null) return Readable.fromWeb(response.body)
  await response.body?.cancel()
  throw new RuntimeError(
    'ERR_RUNTIME_DOWNLOAD',
    `cannot download ${url.href}: the server answers ${response.status}`,
  )
}

/** `fetch` takes no address with a name and a password in it. */
function passwordHeader({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** `fetch` says only that it has failed; its cause says why. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error
  return cause instanceof Error ? cause.message : message
}
