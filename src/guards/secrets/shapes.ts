/** One kind of credential: how it begins, and the shape of the whole. */
interface SecretShape {
  /** The rule is `secrets.<name>`. */
  name: string
  label: string
  /** Texts that it begins with: these are searched for. */
  starts: readonly string[]
  /** Sticky; linear: bounded repeats of one class each. What matched may go on in the same class. */
  shape: RegExp
  score: number
  /** The run must look random too: the beginning alone is an ordinary word's. */
  isRandom?: true
}

/** Longest run of a key that is looked at before it counts; what follows in the same alphabet belongs to it. */
const WORD = (least: number, most = 256) => `[0-9A-Za-z_-]{${least},${most}}`
const ALNUM = (least: number, most = 256) => `[0-9A-Za-z]{${least},${most}}`
const HEX = (length: number) => `[0-9a-f]{${length}}`

/**
 * Credentials with a beginning of their own, as their issuers document them. A beginning that is also that of a longer
 * one stands after it.
 */
export const SHAPES: readonly SecretShape[] = [
  key('anthropic_key', ['sk-ant-'], WORD(20)),
  key('openrouter_key', ['sk-or-'], WORD(32)),
  key('openai_key', ['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-None-'], WORD(20)),
  { ...key('provider_key', ['sk-'], WORD(20)), isRandom: true },
  key('stripe_key', ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'], ALNUM(16)),
  key('webhook_secret', ['whsec_'], '[0-9A-Za-z+/=]{24,128}'),
  key('google_key', ['AIza'], WORD(35, 40)),
  key('google_oauth', ['ya29.'], WORD(20)),
  key('google_oauth', ['GOCSPX-'], WORD(24, 40)),
  key('aws_key', ['AKIA', 'ASIA', 'ABIA', 'ACCA'], '[A-Z2-7]{16}(?![0-9A-Za-z])'),
  key('aws_key', ['ABSK'], '[0-9A-Za-z+/=]{40,256}'),
  key('azure_key', ['AccountKey='], '[0-9A-Za-z+/]{40,100}={0,2}'),
  key('azure_key', ['SharedAccessKey='], '[0-9A-Za-z+/]{32,100}={0,2}'),
  key('github_token', ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], ALNUM(30)),
  key('github_token', ['github_pat_'], '[0-9A-Za-z_]{22,128}'),
  key('gitlab_token', ['glpat-', 'gldt-', 'glrt-', 'glcbt-', 'glptt-', 'glft-', 'glsoat-', 'glagent-'], WORD(20)),
  key('slack_token', ['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxe-', 'xoxe.', 'xoxo-', 'xapp-'], WORD(10)),
  key('slack_token', ['hooks.slack.com/services/'], '[A-Z0-9]{6,14}/[A-Z0-9]{6,14}/[0-9A-Za-z]{16,40}'),
  key('npm_token', ['npm_'], ALNUM(36)),
  key('hugging_face_token', ['hf_', 'api_org_'], ALNUM(30)),
  key('twilio_key', ['SK'], `${HEX(32)}(?![0-9A-Za-z])`),
  key('sendgrid_key', ['SG.'], `${WORD(16, 32)}\\.${WORD(16, 64)}`),
  key('gatehouse_key', ['gh_live_', 'gh_admin_'], '[0-9A-Za-z_]{20,128}'),
  key('provider_key', ['gsk_', 'xai-'], ALNUM(32)),
  key('provider_key', ['pplx-', 'r8_', 'fw_', 'tgp_v1_', 'nvapi-', 'csk-'], WORD(32)),
  key('mailgun_key', ['key-'], `${HEX(32)}(?![0-9A-Za-z])`),
  key('digitalocean_token', ['dop_v1_', 'doo_v1_', 'dor_v1_'], HEX(64)),
  key('shopify_token', ['shpat_', 'shpca_', 'shppa_', 'shpss_'], '[0-9a-fA-F]{32}'),
  key('docker_token', ['dckr_pat_', 'dckr_oat_'], WORD(24)),
  key('pypi_token', ['pypi-AgE'], WORD(50)),
  key('vault_token', ['hvs.', 'hvb.'], WORD(24)),
  key('databricks_token', ['dapi'], `${HEX(32)}(?![0-9A-Za-z])`),
  key('grafana_token', ['glsa_', 'glc_'], '[0-9A-Za-z_=+/]{32,256}'),
  key('atlassian_token', ['ATATT3', 'ATCTT3'], '[0-9A-Za-z_=-]{40,256}'),
  key('age_key', ['AGE-SECRET-KEY-1'], '[0-9A-Z]{40,64}'),
  key('linear_key', ['lin_api_'], ALNUM(32)),
  key('notion_token', ['ntn_'], ALNUM(40)),
  key('new_relic_key', ['NRAK-'], '[0-9A-Z]{24,32}')
]

function key(name: string, starts: readonly string[], rest: string): SecretShape {
  const begin = starts.map(start => start.replaceAll('.', '\\.')).join('|')
  return {
    name,
    label: name.toUpperCase(),
    starts,
    shape: new RegExp(`(?:${begin})${rest}`, 'y'),
    score: 0.95
  }
}
