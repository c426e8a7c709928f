import type { Static } from '@sinclair/typebox'
import * as Type from '@sinclair/typebox'
import { containerConfig } from './create-container.js'

/** Body of `POST /commit`: nothing, or members of the image's config. */
export const commitBody = Type.Union([Type.Null(), Type.Partial(containerConfig)])
export type CommitBody = Static<typeof commitBody>
