import type { Readable } from 'node:stream'
import { isRegistryError, RegistryError } from '../errors.js'
import type { Expected } from '../blobs/verify.js'
import type { HttpAnswer } from '../http/connections.js'
import { nextAddress } from '../http/follow.js'
import { checkNextAddress, type Insecure } from '../http/plain-http.js'
import { withRetries, type RetryOptions } from '../http/retry.js'
import type { Reference } from '../reference/reference.js'
import type { BlobProgress, OnBlobProgress } from './fetch-blob.js'
import { repositoryScope, type Session } from './session.js'

/** Settings of a blob's upload. */
export interface PushBlobOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnBlobProgress | undefined
  /** A repository of the same registry that has the blob: the registry is asked to take it from there. */
  readonly mountFrom?: string | undefined
}

/** How an upload is made, and what a location may be. */
export interface UploadContext {
  readonly retry: RetryOptions
  readonly insecure: Insecure | undefined
}

/** Uploads a blob unless the registry has it; see `RegistryClient.pushBlob`. */
export async function pushBlob(
  session: Session,
  reference: Reference,
  expected: Expected,
  open: () => Readable,
  { retry, insecure }: UploadContext,
  { signal, onProgress, mountFrom }: PushBlobOptions,
): Promise<void> {
  const { digest, size } = expected
  const tell = (status: BlobProgress['status'], transferred: number): void =>
    onProgress?.({ kind: 'blob', digest, status, transferred, size })
  if (await hasBlob(session, reference, digest, signal)) {
    tell('exists', size)
    return
  }
  const what = `push blob ${digest} to ${reference.registry}/${reference.repository}`
  const scopes = pushScopes(reference.repository)
  await withRetries(
    retry,
    signal,
    async () => {
      const begun = await beginUpload(session, what, reference, { digest, mountFrom }, signal)
      begun.discard()
      if (begun.status === 201) return // mounted
      tell('running', 0)
      const url = uploadAddress(begun, what, digest, insecure)
      const headers = { 'content-type': 'application/octet-stream', 'content-length': size }
      const body = (): Readable => counted(open(), (transferred) => tell('running', transferred))
      const done = await session.once({
        what,
        method: 'PUT',
        target: url,
        scopes,
        headers,
        body,
        expect: [201, 204],
        signal,
      })
      done.discard()
    },
    (_, used) => {
      tell('retrying', 0)
      return used
    },
  )
  tell('done', size)
}

/** `POST /v2/<name>/blobs/uploads/`: 201 when the blob was mounted, 202 when it is to be sent. */
async function beginUpload(
  session: Session,
  what: string,
  reference: Reference,
  { digest, mountFrom }: { readonly digest: string; readonly mountFrom: string | undefined },
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const query =
    mountFrom === undefined ? '' : `?${new URLSearchParams({ mount: digest, from: mountFrom }).toString()}`
  try {
    return await session.once({
      what,
      method: 'POST',
      target: `/v2/${reference.repository}/blobs/uploads/${query}`,
      scopes: pushScopes(reference.repository, mountFrom),
      headers: { 'content-length': 0 },
      expect: [201, 202],
      signal,
    })
  } catch (error) {
    const isRefused =
      isRegistryError(error) &&
      ['ERR_REGISTRY_UNAUTHORIZED', 'ERR_REGISTRY_DENIED', 'ERR_REGISTRY_NOT_FOUND'].includes(error.code)
    if (mountFrom === undefined || !isRefused) throw error
    // who may write here need not be allowed to read there: then the bytes are sent
    return await beginUpload(session, what, reference, { digest, mountFrom: undefined }, signal)
  }
}

/** `HEAD /v2/<name>/blobs/<digest>`. */
export async function hasBlob(
  session: Session,
  { registry, repository }: Reference,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const answer = await session.call({
    what: `look for blob ${digest} in ${registry}/${repository}`,
    method: 'HEAD',
    target: `/v2/${repository}/blobs/${digest}`,
    scopes: pushScopes(repository),
    expect: [200, 404],
    signal,
  })
  answer.discard()
  return answer.status === 200
}

/** Token scopes of a push, and of a mount from another repository. */
export function pushScopes(repository: string, mountFrom?: string): readonly string[] {
  const own = repositoryScope(repository, 'pull', 'push')
  return mountFrom === undefined ? [own] : [own, repositoryScope(mountFrom, 'pull')]
}

/** The upload's `Location` with the digest added. The query that is there already belongs to the registry. */
function uploadAddress(
  answer: HttpAnswer,
  what: string,
  digest: string,
  insecure: Insecure | undefined,
): URL {
  const { location } = answer.headers
  if (location === undefined) {
    throw new RegistryError('ERR_REGISTRY_PROTOCOL', `cannot ${what}: the registry gave no upload location`)
  }
  const url = nextAddress(what, location, answer.url)
  checkNextAddress(what, answer.url, url, insecure)
  url.searchParams.set('digest', digest)
  return url
}

function counted(source: Readable, tell: (transferred: number) => void): Readable {
  let transferred = 0
  let told = 0
  source.on('data', (chunk: Buffer) => {
    transferred += chunk.length
    if (transferred - told < 256 * 1024) return
    told = transferred
    tell(transferred)
  })
  return source.pause()
}
