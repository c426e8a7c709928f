import { RegistryError } from '../errors.js'
import type { ArrivingBlob } from '../blobs/arriving-blob.js'
import type { BlobIngest } from '../blobs/blob-ingest.js'
import type { BlobStore } from '../blobs/blob-store.js'
import { sizeMismatch, type Expected } from '../blobs/verify.js'
import type { HttpAnswer } from '../http/connections.js'
import { withRetries, type RetryOptions } from '../http/retry.js'
import type { Reference } from '../reference/reference.js'
import { repositoryScope, type Session } from './session.js'

/** A step in the transfer of one blob, down or up. */
export interface BlobProgress {
  readonly kind: 'blob'
  readonly digest: string
  /** `waiting` for its turn, `exists` where it should go, `running`, `retrying` after a failure, `done`. */
  readonly status: 'waiting' | 'exists' | 'running' | 'retrying' | 'done'
  /** Bytes transferred so far. */
  readonly transferred: number
  /** Size of the blob in bytes. */
  readonly size: number
}

/** Told of progress. What it throws ends the work. */
export type OnBlobProgress = (event: BlobProgress) => void

/** Settings of `RegistryClient.fetchBlob`. */
export interface FetchBlobOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnBlobProgress | undefined
  /**
   * Told that the blob begins to come, before any of it was checked, and again when it has to begin anew; not told of a
   * blob that was there.
   */
  readonly onArriving?: ((blob: ArrivingBlob) => void) | undefined
}

/** A `running` event is sent every so many bytes at most. */
const progressStep = 256 * 1024

/** Memory for large pieces is worth its while from so many bytes on. */
const large = 1024 ** 2

/** A broken download that got this much further has its retries counted anew; a drip does not. */
const worthwhileProgress = 1024 ** 2

/** The bytes of a blob on the wire. */
export interface OpenBlob extends Pick<HttpAnswer, 'body' | 'pieces' | 'discard'> {
  /** Of the first one. */
  readonly offset: number
}

/** `GET /v2/<name>/blobs/<digest>` from `offset` on, or from the start when the server cannot. */
export async function openBlob(
  session: Session,
  { registry, repository }: Reference,
  { digest, size }: Expected,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<OpenBlob> {
  const what = `get blob ${digest} of ${registry}/${repository}`
  const answer = await session.once({
    what,
    method: 'GET',
    target: `/v2/${repository}/blobs/${digest}`,
    scopes: [repositoryScope(repository, 'pull')],
    headers: {
      'accept-encoding': 'identity',
      ...(offset > 0 ? { range: `bytes=${offset}-${size - 1}` } : {}),
    },
    expect: offset > 0 ? [200, 206, 416] : [200],
    signal,
  })
  if (answer.status === 416) {
    answer.discard()
    return await openBlob(session, { registry, repository }, { digest, size }, 0, signal)
  }
  const start = answer.status === 206 ? rangeStart(answer) : 0
  if (start !== 0 && start !== offset) {
    answer.discard()
    throw new RegistryError(
      'ERR_REGISTRY_PROTOCOL',
      `cannot ${what}: asked from byte ${offset} on, got another range`,
    )
  }
  const length = answer.headers['content-length']
  if (length !== undefined && Number(length) !== size - start) {
    answer.discard()
    throw sizeMismatch({ digest, size }, `${length} come from byte ${start} on`)
  }
  return { offset: start, body: answer.body, pieces: answer.pieces, discard: () => answer.discard() }
}

/** Brings a blob into a store; see `RegistryClient.fetchBlob`. */
export async function fetchBlob(
  session: Session,
  reference: Reference,
  expected: Expected,
  store: BlobStore,
  retry: RetryOptions,
  { signal, onProgress, onArriving }: FetchBlobOptions,
): Promise<void> {
  const { digest, size } = expected
  const tell = (status: BlobProgress['status'], transferred: number): void =>
    onProgress?.({ kind: 'blob', digest, status, transferred, size })
  if (await store.has(expected)) {
    tell('exists', size)
    return
  }
  const onWait = (transferred: number): void => tell('running', Math.min(transferred, size))
  const turn = await store.turn(digest, { signal, onWait })
  try {
    // somebody else may have brought it meanwhile
    if (!(await store.has(expected)))
      await download(session, reference, expected, store, retry, { signal, tell, onArriving })
  } finally {
    await turn.release()
  }
  tell('done', size)
}

async function download(
  session: Session,
  reference: Reference,
  expected: Expected,
  store: BlobStore,
  retry: RetryOptions,
  {
    signal,
    tell,
    onArriving,
  }: Pick<FetchBlobOptions, 'signal' | 'onArriving'> & {
    readonly tell: (status: BlobProgress['status'], transferred: number) => void
  },
): Promise<void> {
  const ingest = await store.ingest(expected)
  let resumed = ingest.offset > 0
  let best = ingest.offset
  const restart = async (): Promise<void> => {
    await ingest.reset()
    onArriving?.(ingest.arriving)
  }
  const take = async (): Promise<void> => {
    await receive(session, reference, expected, ingest, { signal, restart, tell })
    await ingest.verify()
    await ingest.commit()
  }
  try {
    onArriving?.(ingest.arriving)
    await withRetries(
      retry,
      signal,
      async () => {
        try {
          await take()
        } catch (error) {
          if (!resumed || !isWrongContent(error)) throw error
          // what an earlier writer left was damaged: once more, from the first byte
          resumed = false
          await restart()
          await take()
        }
      },
      (_, used) => {
        tell('retrying', ingest.offset)
        if (ingest.offset - best < worthwhileProgress) return used
        best = ingest.offset
        return 0
      },
    )
  } catch (error) {
    await (isWrongContent(error) ? ingest.discard() : ingest.suspend())
    throw error
  }
}

async function receive(
  session: Session,
  reference: Reference,
  expected: Expected,
  ingest: BlobIngest,
  {
    signal,
    restart,
    tell,
  }: {
    readonly signal: AbortSignal | undefined
    readonly restart: () => Promise<void>
    readonly tell: (status: 'running', transferred: number) => void
  },
): Promise<void> {
  if (ingest.offset === expected.size && expected.size > 0) return // only the commit was missing
  const source = await openBlob(session, reference, expected, ingest.offset, signal)
  let told = ingest.offset
  try {
    if (source.offset !== ingest.offset) await restart()
    tell('running', ingest.offset)
    const isLarge = expected.size - ingest.offset >= large
    for await (const chunk of isLarge ? source.pieces : source.body) {
      await (isLarge ? ingest.appendPiece(chunk) : ingest.append(chunk))
      if (ingest.offset - told < progressStep) continue
      told = ingest.offset
      tell('running', told)
    }
  } finally {
    source.discard()
  }
}

function isWrongContent(error: unknown): boolean {
  const code = error instanceof RegistryError ? error.code : undefined
  return code === 'ERR_REGISTRY_DIGEST_MISMATCH' || code === 'ERR_REGISTRY_SIZE_MISMATCH'
}

/** First byte of `Content-Range: bytes 5-9/10`; -1 when it cannot be read, which equals no offset. */
function rangeStart(answer: HttpAnswer): number {
  const match = /^bytes (\d+)-\d+\/(?:\d+|\*)$/.exec(answer.headers['content-range'] ?? '')
  return match === null ? -1 : Number(match[1])
}
