import { mediaTypes } from '../manifest/media-types.js'
import { unknownName } from './api-error.js'
import { answer, answerJson, type Exchange } from './exchange.js'
import { linkToNext, page } from './paging.js'
import { readReferrers } from './referrers.js'
import { checkedDigest, type Registry } from './registry.js'

/** `GET /v2/<name>/tags/list`. */
export async function listTags(
  { repositories, mirror }: Registry,
  exchange: Exchange,
  name: string,
): Promise<void> {
  if (mirror === undefined && !(await repositories.exists(name))) throw unknownName()
  const { names, headers } = page(exchange, await (mirror ?? repositories).tags(name))
  answerJson(exchange, { name, tags: names }, headers)
}

/** `GET /v2/_catalog`. */
export async function listRepositories({ repositories }: Registry, exchange: Exchange): Promise<void> {
  const { names, headers } = page(exchange, await repositories.names())
  answerJson(exchange, { repositories: names }, headers)
}

/** `GET /v2/<name>/referrers/<digest>`: an index of the manifests with this subject. */
export async function listReferrers(
  { repositories, memory, mirror }: Registry,
  exchange: Exchange,
  name: string,
  digest: string,
): Promise<void> {
  // a plus that was not encoded reads as a space, which no media type has
  const artifactType = exchange.query.get('artifactType')?.replaceAll(' ', '+')
  const last = exchange.query.get('last') ?? undefined
  const subject = checkedDigest(digest)
  await mirror?.bringReferrers(name, subject)
  const found = await readReferrers(repositories, name, subject, { artifactType, last })
  const body = `{"schemaVersion":2,"mediaType":"${mediaTypes.ociIndex}","manifests":[${found.descriptors.join(',')}]}`
  memory.take(body.length)
  exchange.response.once('close', () => memory.give(body.length))
  answer(
    exchange,
    200,
    {
      'content-type': mediaTypes.ociIndex,
      ...(artifactType === undefined ? {} : { 'oci-filters-applied': 'artifactType' }),
      ...(found.next === undefined ? {} : linkToNext(exchange, { last: found.next })),
    },
    body,
  )
}
