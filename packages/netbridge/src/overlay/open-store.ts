import { fileURLToPath } from 'node:url'
import { readFileSync } from 'node:fs'
import { NetbridgeError } from '../errors.js'
import { hasCode } from '../state/files.js'
import { EtcdGateway } from './etcd-gateway.js'
import { EtcdStore } from './etcd-store.js'
import { FileStore } from './file-store.js'
import type { OverlayStore } from './store.js'

/**
 * Opens the store that a URL names. Nothing is asked of it yet.
 *
 * @param url - `etcd://HOST:PORT[,HOST:PORT...][/PREFIX]`, the same with `etcds:` for TLS and the files
 *   `?ca=PATH&cert=PATH&key=PATH`, or `file:///FOLDER`.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_INVALID_ARG`.
 */
export function openStore(url: string): OverlayStore {
  if (url.startsWith('file:')) return new FileStore(folderOf(url))
  const [, scheme, hosts = '', prefix = '', query = ''] =
    /^(etcds?):\/\/([^/?#@]+)((?:\/[\w.-]+)*)\/?(?:\?([^#]*))?$/.exec(url) ?? []
  if (scheme === undefined) throw invalid(url)
  const endpoints = hosts.split(',').map((host) => endpointOf(url, scheme, host))
  const files = Object.fromEntries(new URLSearchParams(query))
  if (
    Object.keys(files).some((name) => !['ca', 'cert', 'key'].includes(name)) ||
    (query && scheme === 'etcd')
  )
    throw invalid(url)
  const tls = Object.fromEntries(Object.entries(files).map(([name, path]) => [name, read(path)]))
  return new EtcdStore(new EtcdGateway(endpoints, tls), prefix === '' ? '/ctrjs' : prefix)
}

function folderOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw invalid(url)
  }
}

function endpointOf(url: string, scheme: string, host: string): URL {
  const text = `${scheme === 'etcds' ? 'https' : 'http'}://${host}`
  if (!URL.canParse(text)) throw invalid(url)
  const endpoint = new URL(text)
  if (endpoint.port === '') endpoint.port = '2379'
  return endpoint
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const reason = hasCode(error, 'ENOENT') ? 'there is no such file' : String(error)
    throw new NetbridgeError('ERR_NETBRIDGE_INVALID_ARG', `cannot use ${path} for TLS: ${reason}`, {
      cause: error,
    })
  }
}

function invalid(url: string): NetbridgeError {
  return new NetbridgeError(
    'ERR_NETBRIDGE_INVALID_ARG',
    `cannot use ${JSON.stringify(url.slice(0, 200))} as store: it must be etcd://HOST:PORT[,HOST:PORT...][/PREFIX], ` +
      `etcds://... with ?ca=PATH&cert=PATH&key=PATH as needed, or file:///FOLDER`,
  )
}
