import type { IncomingMessage } from 'node:http'
import { basename } from 'node:path/posix'
import type { CopySide, CopyStatus } from '../../copy/copy-side.js'
import { CliError, isCliError } from '../../errors.js'
import type { DaemonClient } from './daemon-client.js'

const statHeader = 'x-docker-container-path-stat'

/** Bit of a folder in Go's `FileMode`. */
const folderBit = 2 ** 31

/**
 * Files of a container of a daemon. It has no way to change owners on their way, and names a tar after the path.
 *
 * @param containerPath - The container's path in the API.
 */
export function remoteFiles(client: DaemonClient, containerPath: string): CopySide {
  const route = `${containerPath}/archive`
  return {
    stat: async (path) => {
      try {
        const answer = await client.stream('HEAD', route, { query: { path } })
        answer.resume()
        return statusIn(answer)
      } catch (error) {
        if (!isCliError(error) || error.status !== 404) throw error
        await client.json('GET', `${containerPath}/json`) // says so where the container itself is not there
        return undefined
      }
    },
    pack: async (path, { name, signal }) => {
      const tar = await client.stream('GET', route, { query: { path }, signal })
      return { tar, top: name === '.' || name === basename(path) ? undefined : name }
    },
    unpack: async (tar, folder, { signal }) => {
      const query = { path: folder, noOverwriteDirNonDir: true }
      await client.json('PUT', route, { query, upload: tar, signal })
    },
  }
}

function statusIn({ headers }: IncomingMessage): CopyStatus {
  const text = headers[statHeader]
  let document: unknown
  try {
    document = JSON.parse(Buffer.from(typeof text === 'string' ? text : '', 'base64').toString())
  } catch (cause) {
    throw unreadable(cause)
  }
  const { mode, linkTarget } = document as { readonly mode?: unknown; readonly linkTarget?: unknown }
  if (typeof mode !== 'number') throw unreadable(undefined)
  return {
    isFolder: Math.floor(mode / folderBit) % 2 === 1,
    linkTarget: typeof linkTarget === 'string' && linkTarget !== '' ? linkTarget : undefined,
  }
}

function unreadable(cause: unknown): CliError {
  return new CliError('ERR_CLI_DAEMON', 'cannot read what the daemon says of a file', { cause })
}
