import { ApiError } from '../errors.js'
import type { CreateBody } from '../http/schemas/create-container.js'

/** What these checks need of another container. */
interface Other {
  readonly id: string
  readonly isRunning: boolean
  readonly document: { readonly body: CreateBody }
}

const modes = { NetworkMode: 'network', IpcMode: 'IPC', PidMode: 'PID' } as const

/**
 * The containers whose network, IPC or processes a container is to have, by what of them.
 *
 * @throws What `find` throws for one that is not there; `ApiError` 409: its IPC is not to be shared.
 */
export function sharedContainers<T extends Other>(
  { HostConfig }: CreateBody,
  find: (name: string) => T,
): readonly { readonly what: string; readonly other: T }[] {
  return Object.entries(modes).flatMap(([member, what]) => {
    const name = /^container:(.+)$/s.exec(HostConfig?.[member as keyof typeof modes] ?? '')?.[1]
    if (name === undefined) return []
    const other = find(name)
    if (what === 'IPC') refusePrivate(other)
    return [{ what, other }]
  })
}

/** @throws `ApiError` 409: one of them does not run. */
export function refuseStopped(body: CreateBody, find: (name: string) => Other): void {
  for (const { what, other } of sharedContainers(body, find))
    if (!other.isRunning)
      throw new ApiError(409, `cannot join ${what} of a non running container: ${other.id}`)
}

function refusePrivate({ id, document }: Other): void {
  if (/^(shareable|host|container:.*)$/s.test(document.body.HostConfig?.IpcMode ?? '')) return
  throw new ApiError(
    409,
    `can't join IPC of container ${id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
  )
}
