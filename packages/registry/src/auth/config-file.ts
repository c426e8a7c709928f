import { chown, mkdir, open, readFile, realpath, rename, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { removeFile, syncFolder } from '../blobs/durable.js'
import { ownerToken } from '../blobs/owner.js'
import { errnoOf, isRegistryError, RegistryError } from '../errors.js'
import { isObject, type JsonObject } from '../manifest/json-shape.js'
import { withFolderLock } from '../blobs/folder-lock.js'

/** Where Docker's configuration file is: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
export function dockerConfigPath(): string {
  const folder = process.env['DOCKER_CONFIG']
  return join(folder === undefined || folder === '' ? join(homedir(), '.docker') : folder, 'config.json')
}

/**
 * Reads Docker's configuration file; a missing one is empty.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_CREDENTIALS`: it cannot be read, or is no JSON object. Nothing of
 *   its content is in the message.
 */
export async function readConfigFile(path: string): Promise<JsonObject> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return {}
    throw failed('read', path, errnoOf(cause) ?? 'unknown error', cause)
  }
  if (text.trim() === '') return {} // as Docker reads it
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // the parser's message quotes the file, which holds secrets
    throw failed('read', path, 'it is not JSON')
  }
  if (!isObject(json)) throw failed('read', path, 'it is no JSON object')
  return json
}

/**
 * Changes Docker's configuration file, mode 0600, while no other process of this package does. Members that
 * `change` passes on stay as they are. Whoever reads it sees the old or the new one, whole; a symbolic link
 * stays one.
 *
 * @param change - Gets what is there and returns what shall be; `undefined` leaves it.
 */
export async function updateConfigFile(
  path: string,
  change: (json: JsonObject) => JsonObject | undefined,
): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const target = await realpath(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return path
      throw error
    })
    await withFolderLock(`${target}.ctr-lock`, undefined, async () => {
      const changed = change(await readConfigFile(target))
      if (changed !== undefined) await replace(target, `${JSON.stringify(changed, undefined, '\t')}\n`)
    })
  } catch (error) {
    if (isRegistryError(error)) throw error
    throw failed('write', path, errnoOf(error) ?? 'unknown error', error)
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}~${ownerToken()}`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    const owner = await stat(path).catch(() => undefined) // a new file is ours
    if (owner !== undefined && process.getuid?.() === 0) await chown(temporary, owner.uid, owner.gid)
    await rename(temporary, path)
  } catch (error) {
    await removeFile(temporary)
    throw error
  }
  await syncFolder(dirname(path))
}

function failed(action: string, path: string, reason: string, cause?: unknown): RegistryError {
  return new RegistryError('ERR_REGISTRY_CREDENTIALS', `cannot ${action} ${path}: ${reason}`, { cause })
}
