import { isOverlayError } from '@ctr/overlay'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ManagedContainer } from '../../containers/managed-container.js'
import type { EngineCore } from '../../core.js'
import { ApiError, badRequest } from '../../errors.js'
import { pathStat } from '../../translate/path-stat.js'
import { limits } from '../limits.js'
import { Query } from '../query.js'
import { archiveOf, withUpload } from '../upload.js'

const header = 'X-Docker-Container-Path-Stat'

/** Files of containers: what `docker cp` works with. */
export function archiveRoutes(app: FastifyInstance, engine: EngineCore): void {
  const route = '/containers/:id/archive'

  app.head(route, async (request, reply) => {
    const { container, path, notFound } = asked(request, engine)
    const status = await container.handle.files.stat(path).catch(notFound)
    await reply.header(header, pathStat(status)).code(200).send()
  })

  app.get(route, async (request, reply) => {
    const { container, path, notFound } = asked(request, engine)
    const { status, tar } = await container.handle.files.copyOut(path).catch(notFound)
    engine.emitOf(container, 'archive-path', {})
    return reply.header(header, pathStat(status)).type('application/x-tar').send(tar)
  })

  app.put(route, async (request, reply) => {
    const { container, path, notFound } = asked(request, engine)
    const query = new Query(request)
    await withUpload(archiveOf(request), (chunks) =>
      container.handle.files
        .copyIn(chunks, path, {
          limits: limits.archive,
          keepsKinds: query.flag('noOverwriteDirNonDir'),
          owner: query.flag('copyUIDGID') ? ownerOf(container) : undefined,
        })
        .catch(notFound),
    )
    engine.emitOf(container, 'extract-to-dir', {})
    await reply.code(200).send()
  })
}

function asked(
  request: FastifyRequest,
  { containers }: EngineCore,
): {
  readonly container: ManagedContainer
  readonly path: string
  /** Docker's words for a file that is not there. */
  readonly notFound: (error: unknown) => never
} {
  const { id } = request.params as { readonly id: string }
  const path = new Query(request).text('path')
  if (path === undefined) throw badRequest('bad parameter: path cannot be empty')
  return {
    container: containers.get(id),
    path,
    notFound(error) {
      if (!isOverlayError(error) || error.code !== 'ERR_OVERLAY_NOT_FOUND') throw error
      throw new ApiError(404, `Could not find the file ${path} in container ${id}`, { cause: error })
    },
  }
}

/** As Docker: the container's user, where it was made for one; else whoever the archive says. */
function ownerOf({
  handle,
  document,
}: ManagedContainer): { readonly uid: number; readonly gid: number } | undefined {
  const { uid, gid } = handle.inspect().user
  if ((document.body.User ?? '') === '' && uid === 0 && gid === 0) return undefined
  return { uid, gid }
}
