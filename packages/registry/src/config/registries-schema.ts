import { Type, type Static } from '@sinclair/typebox'

/** A member that nobody knows is an error: one that is spelt wrongly would leave a check out. */
const closed = { additionalProperties: false }
const path = Type.String({ minLength: 1 })
const paths = Type.Array(path, { minItems: 1 })

const registry = Type.Object(
  {
    mirrors: Type.Optional(Type.Array(Type.String())),
    insecure: Type.Optional(Type.Boolean()),
    ca: Type.Optional(Type.Union([path, paths])),
    cert: Type.Optional(path),
    key: Type.Optional(path),
  },
  closed,
)

const requirement = Type.Union([
  Type.Literal('accept'),
  Type.Literal('reject'),
  Type.Object({ keys: paths }, closed),
  Type.Object({ identity: path, issuer: path, trustedRoot: path }, closed),
])
export type WrittenRequirement = Static<typeof requirement>

/** What a file of registries may say. Names of files stand where the options of a client have their content. */
export const registriesSchema = Type.Object(
  {
    registries: Type.Optional(Type.Record(Type.String(), registry)),
    insecure: Type.Optional(Type.Array(Type.String())),
    trust: Type.Optional(
      Type.Object(
        { default: requirement, scopes: Type.Optional(Type.Record(Type.String(), requirement)) },
        closed,
      ),
    ),
  },
  closed,
)
export type WrittenRegistries = Static<typeof registriesSchema>
