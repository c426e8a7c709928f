import {
  isRegistryError,
  RegistryError,
  type RegistryErrorCode,
  type RegistryErrorDetail,
} from '../errors.js'
import type { HttpAnswer } from './connections.js'

/** How much of an error's body is read, in bytes. */
export const maxErrorBytes = 64 * 1024

/** A whole small body takes at most this long, in milliseconds, however steadily it drips. */
const maxBodyMs = 120_000

/**
 * Reads a small body to its end.
 *
 * @param limit - Bytes at most; more is `ERR_REGISTRY_TOO_LARGE`, and the connection is dropped.
 */
export async function readBody(answer: HttpAnswer, what: string, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  const deadline = performance.now() + maxBodyMs
  for await (const chunk of answer.body) {
    length += chunk.length
    if (length > limit) {
      throw new RegistryError(
        'ERR_REGISTRY_TOO_LARGE',
        `cannot ${what}: the answer has more than ${limit} bytes`,
      )
    }
    if (performance.now() > deadline) {
      throw new RegistryError(
        'ERR_REGISTRY_TIMEOUT',
        `cannot ${what}: ${length} bytes took more than ${maxBodyMs} ms`,
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** Turns an answer with an unexpected status into an error, with what the registry says about it. */
export async function statusError(answer: HttpAnswer, what: string): Promise<RegistryError> {
  const errors = errorDetails(await readStart(answer, what))
  const said = errors.map(({ code, message }) => (message === '' ? code : `${code}: ${message}`)).join('; ')
  const words = `${answer.url.host} answered ${answer.status}${said === '' ? '' : ` (${said})`}`
  return new RegistryError(codeOf(answer.status), `cannot ${what}: ${words}`, {
    status: answer.status,
    errors,
    retryAfterMs: retryAfterMs(answer.headers['retry-after']),
  })
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** The first 64 KiB of an error's body; an error of its own must not hide the status. */
async function readStart(answer: HttpAnswer, what: string): Promise<string> {
  try {
    return (await readBody(answer, what, maxErrorBytes)).toString('utf8')
  } catch (error) {
    if (isRegistryError(error)) return ''
    throw error
  }
}

function errorDetails(text: string): readonly RegistryErrorDetail[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return [] // proxies answer with HTML
  }
  const list = typeof json === 'object' && json !== null && 'errors' in json ? json.errors : undefined
  if (!Array.isArray(list)) return []
  return list.slice(0, 16).map((entry: unknown) => {
    const { code, message } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<
      string,
      unknown
    >
    return { code: printable(code), message: printable(message) }
  })
}

/** Words of the other side, safe to show on a terminal. */
function printable(value: unknown): string {
  // eslint-disable-next-line no-control-regex -- control characters are what must go
  return typeof value === 'string' ? value.slice(0, 1024).replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ') : ''
}

function codeOf(status: number): RegistryErrorCode {
  if (status === 401) return 'ERR_REGISTRY_UNAUTHORIZED'
  if (status === 403) return 'ERR_REGISTRY_DENIED'
  if (status === 404) return 'ERR_REGISTRY_NOT_FOUND'
  return status === 429 ? 'ERR_REGISTRY_RATE_LIMITED' : 'ERR_REGISTRY_STATUS'
}
