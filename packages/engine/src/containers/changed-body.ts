import type { Container } from '@ctr/runtime'
import { ApiError, toApiError } from '../errors.js'
import type { CreateBody, UpdateBody } from '../http/schemas/create-container.js'
import { linkOf } from '../translate/parse-links.js'
import { updatedHost } from '../translate/update-host.js'

/**
 * What a container was created with, without a link to another one.
 *
 * @throws `ApiError` 404 where there is no such link.
 */
export function withoutLink(body: CreateBody, name: string, alias: string): CreateBody {
  const { HostConfig } = body
  const Links = HostConfig?.Links?.filter((text) => linkOf(text).alias !== alias)
  if (Links === undefined || Links.length === HostConfig?.Links?.length)
    throw new ApiError(404, `No such link: /${name}/${alias}`)
  return { ...body, HostConfig: { ...HostConfig, Links } }
}

/**
 * Changes the limits of a container.
 *
 * @returns What it was created with, changed.
 * @throws `ApiError`
 */
export function updated(body: CreateBody, change: UpdateBody, handle: Container): CreateBody {
  const { host, limits } = updatedHost(body.HostConfig ?? {}, change, handle.id)
  try {
    if (limits !== undefined) handle.updateLimits(limits)
  } catch (error) {
    const { status, message } = toApiError(error)
    throw new ApiError(status, `Cannot update container ${handle.id}: ${message}`, { cause: error })
  }
  return { ...body, HostConfig: host }
}
