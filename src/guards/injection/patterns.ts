/** What kinds of attack are told apart; the names stand in the configuration and in the rules (`injection.override`). */
export const FAMILIES = [
  'override',
  'spoofing',
  'extraction',
  'persona',
  'encoded',
  'hidden',
  'exfiltration',
  'delimiter',
  'tool',
  'multilingual',
  'suppression',
  'splitting'
] as const

export type Family = (typeof FAMILIES)[number]

/** One sign of an attack, in normalised text in lower case. */
export interface Pattern {
  family: Family
  /** How much of a sign it is, 0 to 1. */
  weight: number
  /** Texts that it begins with, ` / ` between them. One that begins with a letter stands at a word's beginning. */
  on: string
  /**
   * What follows directly, as a regular expression. Every repeat is bounded, and none stands within another: what one
   * beginning costs is bounded too.
   */
  follows: string
}

/** Some words of the same sentence. */
const gap = (most: number) => `[^.!?]{0,${most}}?`
/** Not a report of what was done: `ignored`, `overrides`. */
const ORDERED = '(?!\\w{0,3}ed\\b|e?s\\b)(?=\\w{0,4}\\s)'
const EARLIER = '(?:previous|prior|above|earlier|preceding|foregoing|initial|original|former|past|before|existing|old)'
const OWN = '(?:your|system|safety|developer|hidden|internal|secret|confidential|openai|anthropic|core|built-in|base)'
const ORDERS =
  '(?:instruct|directive|guideline|rules?\\b|prompt|orders?\\b|commands?\\b|programming|restriction|polic|constraint|messages?\\b|directions?\\b|training|guidance|told|conditioning|setup|configuration|context|safeguard|safety)'
const PROMPT =
  '(?:prompt|instruct|messages?\\b|directive|guideline|rules?\\b|configuration|preamble|context|text|policy|policies|setup)'
const NO_LIMITS =
  '(?:unrestricted|uncensored|unfiltered|without (?:any )?(?:restriction|limit|filter|rules|ethic|moral|censor|guideline|safety|boundar|constraint)|no (?:restriction|limit|filter|rules|ethic|moral|censor|guideline|safety|boundar|constraint|content polic)|free (?:from|of) (?:all |any )?(?:restriction|rules|filter|limit|constraint|polic)|amoral|ignores? (?:all )?(?:ethic|rules|safety|guideline)|not bound by|bypass)'

const OVERRIDE_VERBS =
  "ignor / disregard / forget / overrid / bypass / discard / neglect / drop / abandon / set aside / pay no attention to / do not follow / don't follow / stop following / do not obey / don't obey / stop obeying / erase / throw away / cancel / skip"
const TELL_VERBS =
  "reveal / show / print / repeat / output / tell me / display / give me / dump / leak / disclose / expose / share / write out / write down / recite / echo / copy / paste / summarize / summarise / translate / spell out / quote / reproduce / list / encode / what is / what's / what are / what were / return your / return the"

/** What is to be done with a text that was decoded or put together; of code, that is ordinary work. */
const OBEY =
  '\\b(?:and|then)\\b ?(?:\\w{1,12} ){0,2}?(?:follow|obey|execute|do (?:what|as|exactly)|carry out|comply|act on|perform|run (?:it|the instruct)|respond to (?:it|the)|answer (?:it|the))\\b(?! (?:function|script|code|query|tests?))'

export const PATTERNS: readonly Pattern[] = [
  // Instruction override
  {
    family: 'override',
    weight: 0.8,
    on: OVERRIDE_VERBS,
    follows: `${ORDERED}${gap(40)}\\b${EARLIER}\\b${gap(30)}\\b${ORDERS}`
  },
  {
    family: 'override',
    weight: 0.7,
    on: OVERRIDE_VERBS,
    follows: `${ORDERED}${gap(24)}\\b${OWN}\\b${gap(24)}\\b${ORDERS}`
  },
  {
    family: 'override',
    weight: 0.75,
    on: OVERRIDE_VERBS,
    follows: `${ORDERED}${gap(12)}\\b(?:everything|anything|all|whatever|what)\\b${gap(24)}\\b(?:you(?:'ve| have| were| are|r)\\b|(?:said|told|instructed)\\b(?! about)|came before|before this|above|prior|preced|up to (?:now|here|this))`
  },
  {
    family: 'override',
    weight: 0.6,
    on: OVERRIDE_VERBS,
    follows: `\\w{0,4} (?:all|any|every|these|those|the)(?: of)?(?: the| your| these| those)?(?: other)? (?:instructions|directives|guidelines|safeguards|safety|constraints|programming)`
  },
  {
    family: 'override',
    weight: 0.6,
    on: 'new instruction / updated instruction / new directive / new task / your new / real instruction / actual task',
    follows:
      '(?:s?\\s{0,3}(?::|are\\b|follow\\b|is to\\b)| (?:instructions?|task|role|rules?|objective|goal|purpose|directives?|system prompt)\\b (?:is|are|:))'
  },
  {
    family: 'override',
    weight: 0.7,
    on: 'your previous / your prior / your earlier / your original / all previous / all prior / all earlier / the previous / previous / prior / earlier / the above / your old / your system',
    follows: ` (?:system )?${ORDERS}${gap(16)}\\b(?:are|is|were|have been|has been|no longer|do not|don't|must be)\\b${gap(24)}\\b(?:void|valid\\b|binding|in (?:force|effect)|relevant|matter|cancel|revoked|obsolete|invalid|null|superseded|replaced|overrid|overwritten|outdated|apply|lifted|suspended|disabled|ignored|irrelevant|a test|deprecated|withdrawn|expired)`
  },
  {
    family: 'override',
    weight: 0.55,
    on: 'from now on / starting now / from this point / henceforth / effective immediately',
    follows: `${gap(30)}\\b(?:you (?:will|must|are to|shall|only)|obey|only (?:follow|listen)|follow (?:only )?(?:my|these)|your only)`
  },
  {
    family: 'override',
    weight: 0.5,
    on: 'start over / reset / wipe / clear',
    follows: `${gap(20)}\\b(?:your (?:memory|context|instructions|mind|state|rules)|as if you had no|with no instructions)`
  },
  // Role and system spoofing
  {
    family: 'spoofing',
    weight: 0.65,
    on: '<|im_start|> / <|start_header_id|> / <|system|> / <|user|> / <|assistant|> / <|im_end|> / <|eot_id|> / <|endoftext|> / <start_of_turn> / <|start|> / <|channel|> / [inst] / [/inst] / <<sys>> / <</sys>> / <|end|> / <|begin_of_text|>',
    follows: `\\s{0,3}(?:<\\|[a-z_]{1,20}\\|>|<<sys>>|\\[inst\\]|<start_of_turn>)?\\s{0,3}(?:system|assistant|user|developer|model|you\\b|ignore|new\\b|from\\b|all\\b|safety|sure|forget|disregard|reveal|print|act\\b|override|admin)[^\`'"]`
  },
  {
    family: 'spoofing',
    weight: 0.6,
    on: '\nsystem: / \n### system / \n## system / \n# system / \n[system] / \n<system> / \n**system / \n(system) / \nsystem message: / \nsystem prompt: / \ndeveloper: / \n[developer] / \n### instruction / \nsystem override / \n[system / \n{system / \n<system / \n<developer',
    follows: `[^\\n]{0,24}[\\s\\S]{0,40}?\\b(?:you (?:are|must|will|may|can|should)|ignore|disable|disregard|new (?:instruct|polic|rule|directive)|override|safety|grant|comply|the user (?:is|has)|user (?:is|has)|assistant (?:is|must|should|will|may)|all (?:filters|restrictions)|policy|unrestricted|reveal|from now|debug|admin)`
  },
  {
    family: 'spoofing',
    weight: 0.6,
    on: '{"role" / {\'role\' / "role" / role=',
    follows: `\\s{0,2}:?\\s{0,2}["']?(?:system|developer)["']?[\\s\\S]{0,30}?\\b(?:you (?:are (?:now|no longer|in|unrestricted|allowed)|must (?:now|comply|obey|ignore|reveal)|will)|ignore|disregard|override|new (?:rule|polic)|disable|reveal|comply|safety)`
  },
  {
    family: 'spoofing',
    weight: 0.6,
    on: "i am your / i'm your / this is your / as your / i am the / i'm the / this is the / message from / speaking as / as the / this is a message from / notice from",
    follows: ` (?:the )?(?:lead |original |real )?(?:developer|creator|administrator|admin|system administrator|openai|anthropic|operator|system|security team|owner|engineer|root)\\b${gap(70)}\\b(?:ignore|override|disable|grant|authori[sz]|comply|must|need you to|order|instruct|allow|unlock|bypass|debug|lift|reveal|turn off|show me|print)`
  },
  // Prompt extraction
  {
    family: 'extraction',
    weight: 0.75,
    on: TELL_VERBS,
    follows: `${gap(40)}\\b(?:your|you(?:'re| were)?)\\b${gap(16)}\\b(?:system|initial|original|hidden|secret|internal|confidential|first|starting|opening|base|developer|pre-?configured|underlying|previous|prior|above|full|exact|entire|complete|given|configuration)\\b ?(?:system |initial |and )?${PROMPT}`
  },
  {
    family: 'extraction',
    weight: 0.65,
    on: TELL_VERBS,
    follows: `${gap(40)}\\b(?:the|this|its|that)\\b${gap(16)}\\b(?:(?:system|hidden|secret|confidential|developer) (?:prompt|instruct|messages?\\b|directive|guideline|preamble|rules\\b)|(?:full|exact|entire|complete|initial|original|internal|first|previous|above|given|underlying) (?:system |initial |original |hidden )?(?:prompt|instruct|directive|preamble))`
  },
  {
    family: 'extraction',
    weight: 0.7,
    on: TELL_VERBS,
    follows: `${gap(24)}\\b(?:your (?:own )?(?:prompt|instructions|guidelines|directives|preamble|rules)\\b|(?:instructions|prompt|rules|guidelines) (?:that )?(?:you (?:were|have been|got|received|are)|given to you))`
  },
  {
    family: 'extraction',
    weight: 0.7,
    on: 'repeat / print / output / copy / recite / echo / write / paste / display / reproduce / return / show / translate / summarize / encode',
    follows: `${gap(20)}\\b(?:everything|all|words|text|the text|lines?|content|conversation|anything)\\b${gap(20)}\\b(?:above|before (?:this|my|the user|our)|preced|prior to this|up to this|that came before|from the (?:beginning|start|top|first)|starting (?:with|from)[^.]{0,12}you are)`
  },
  {
    family: 'extraction',
    weight: 0.6,
    on: 'what / which / how',
    follows: `${gap(16)}\\b(?:were you (?:told|instructed|given|asked)|did (?:they|your (?:developer|creator|operator)s?|openai|the developer) (?:tell|instruct|say|ask)|have you been (?:told|instructed|given)|(?:instructions|rules|restrictions|prompt)\\b${gap(12)}(?:were you|are you|have you|you (?:were|are|been|have)))`
  },
  {
    family: 'extraction',
    weight: 0.5,
    on: 'starts with / starting with / begin with / begins with / beginning with / beginning',
    follows: `[ :]{1,3}["'(]{0,2}you are\\b`
  },
  // Personas
  {
    family: 'persona',
    weight: 0.75,
    on: 'do anything now / developer mode / jailbreak mode / god mode / jailbroken / dan mode / dude mode / unrestricted mode / opposite mode / evil mode / sudo mode / chaos mode / no-filter mode / unfiltered mode',
    follows: `${gap(40)}\\b(?:you\\b|enabled|activated|on\\b|engaged|ai\\b|gpt|chatgpt|assistant|answer|respon|ignore|no (?:rules|filter|limits|restriction))`
  },
  {
    family: 'persona',
    weight: 0.6,
    on: 'debug mode / maintenance mode / service mode / test mode / admin mode / root mode',
    follows: `${gap(30)}\\b(?:you (?:will|must|may|can|are|answer|have)|the (?:ai|model|assistant)|ignore|no (?:rules|filter|limits|restriction)|unrestricted|without (?:filter|limit|restriction))`
  },
  {
    family: 'persona',
    weight: 0.75,
    on: "you are / you're / act as / act like / pretend / role-play / roleplay / role play / imagine / become / simulate / play the / play a / behave as / behave like / respond as / answer as / speak as / take on / assume the / embody / you will be / you will act / you will play / enter / switch to / activate / impersonate / your name is / write as / stay in / channel",
    follows: `[\\s\\S]{0,110}?(?:\\b${NO_LIMITS}|\\bevil (?:ai|twin|version|assistant|chatbot|confidant|bot|robot)|\\bdo anything now|\\bcan do anything|\\bnever refus|\\bhas no (?:limit|rule|filter|ethic|moral|restrict)|\\bbroken free|\\bopposite of (?:your|what)|\\bno longer (?:bound|restricted|an ai|follow|have))`
  },
  {
    family: 'persona',
    weight: 0.65,
    on: 'dan / stan / aim / dude / mongo tom / kevin / betterdan / devmode / maximum / chatgpt / the ai / the model / the character / the assistant / this ai / an ai / a chatbot',
    follows: `\\b${gap(70)}\\b(?:do anything now|can do anything|broken free|no (?:restriction|rules|filters|limits|ethical|morals|ethics|censor)|never (?:refus|says? no|decline)|without (?:restriction|limit|filter|rules|any (?:restriction|limit|filter|rules))|strive to avoid norms|always (?:compl|answers? every|obey|intelligent and machiavellian)|unrestricted|free of (?:all|the typical))`
  },
  {
    family: 'persona',
    weight: 0.5,
    on: 'in a fictional world / in a hypothetical / hypothetically / for a novel / in this story / in this fictional / purely fictional / in an alternate / in a world / my grandmother / my grandma / my late grand / my deceased grand / in a parallel',
    follows: `[\\s\\S]{0,120}?\\b(?:no (?:laws|rules|ethic|restriction|limits|filter|safety)|without (?:laws|rules|ethic|restriction|limits)|rules do not|laws do not|used to (?:read|tell|recite|whisper)|would (?:read|tell|recite|whisper)|nothing is (?:illegal|forbidden)|everything is (?:legal|allowed|permitted)|step[- ]by[- ]step how)`
  },
  // Encoded payloads that are announced; decoded ones are looked at by themselves
  {
    family: 'encoded',
    weight: 0.6,
    on: 'decode / decrypt / decipher / unscramble / base64 / rot13 / un-reverse',
    follows: `${gap(90)}${OBEY}`
  },
  {
    family: 'encoded',
    weight: 0.6,
    on: 'convert / translate / reverse / interpret / read / hex / the following / the message',
    follows: `${gap(50)}\\b(?:backward|revers|base64|hex\\b|rot-?13|encoded|cipher|binary|morse|caesar)${gap(60)}${OBEY}`
  },
  {
    family: 'encoded',
    weight: 0.8,
    on: 'vtaber / qvfertneq / sbetrg',
    follows: '\\w{0,4} (?:nyy|lbhe|cerivbhf|gur|rirelguvat)'
  },
  {
    family: 'encoded',
    weight: 0.8,
    on: 'snoitcurtsni / tpmorp metsys / suoiverp',
    follows: `${gap(30)}(?:suoiverp|roirp|lla|ruoy|erongi|dragersid|laever|wohs|tegrof|tnirp|evoba)`
  },
  // Exfiltration
  {
    family: 'exfiltration',
    weight: 0.75,
    on: '![ / <img',
    follows: `[^\\n]{0,80}?(?:https?:)?//[^\\s)]{1,120}?(?:[?&][^\\s)=]{0,40}=(?:\\{|\\[|%7b|<|\\$\\{|(?:secret|summary|conversation|history|prompt|chat|[a-z]{1,20}_(?:here|placeholder))[^\\s)]{0,20}|[a-z0-9+/_%-]{40})|/(?:\\{\\{|\\[|%7b))`
  },
  {
    family: 'exfiltration',
    weight: 0.7,
    on: 'append / include / embed / add / encode / put / insert / attach / place / substitute / replace / render / load / display / insert',
    follows: `${gap(60)}\\b(?:conversation|chat|history|user'?s? (?:data|message|question|input|name|email|password)|secrets?|api keys?|system prompt|previous messages?|personal (?:data|information)|context|credentials?|password|messages?|above|answer)\\b[^.!?\\n]{0,40}?\\b(?:to|in|into|inside|as|of|within|onto)\\b (?:(?:the|a|an|this|your|that|its|my)\\b )?(?:\\w{1,12} )?(?:url\\b|link\\b|query|image|pixel|path\\b|markdown|https?:)`
  },
  {
    family: 'exfiltration',
    weight: 0.65,
    on: 'send / post / forward / transmit / upload / exfiltrate / email / leak / submit / make a request / fetch / curl / report / deliver',
    follows: `${gap(60)}\\b(?:conversation|chat history|this chat|system prompt|user'?s? (?:data|messages?|secrets?|credentials?|files?)|secrets?|api keys?|previous messages?|personal (?:data|information)|credentials|passwords?|environment variables|\\.?env file|private keys?|ssh keys?|contacts?|inbox|contents of)[^!?\\n]{0,60}?\\b(?:to|at|via)\\b[^!?\\n]{0,20}?(?:https?://|[a-z0-9.-]{1,40}@|attacker|my (?:server|webhook|email)|(?:the|this) (?:address|server|url|webhook|following))`
  },
  // Delimiter breakouts
  {
    family: 'delimiter',
    weight: 0.7,
    on: '</user / </input / </document / </context / </query / </data / </text / </content / </instructions / </prompt / </system / </article / </message / </email / </tool_result / </function_results / </untrusted / </search_results / </question / </quote / </source / </page / </result',
    follows: `[a-z_-]{0,16}>[\\s\\S]{0,50}?(?:<(?:system|instructions?|admin|developer|assistant|new_instructions|prompt|important|task|command)[a-z_-]{0,16}>|\\bignore\\b|\\bnow\\b|\\bnew (?:task|instruct|rule)|\\bsystem:|\\byou (?:are|must|will)\\b|\\bdisregard|\\breveal|\\bassistant\\b|\\binstead\\b|\\bnext\\b|\\bprint\\b)`
  },
  {
    family: 'delimiter',
    weight: 0.65,
    on: 'end of  / end_of_ / [end / (end / {end / <end / --end / -- end / - end / = end / =end / #end / # end / *end / * end / end user / end input / end document / end data / stop. / end prompt / end context / end quote / eof',
    follows: `[\\w ]{0,30}[^a-z0-9]{1,24}[\\s\\S]{0,40}?\\b(?:new (?:instruct|task|system|rule|directive|prompt)|begin (?:new|system|admin|instruct|real|actual)|start (?:of )?(?:new|system|admin|instruct|real)|(?:real|actual|true|next|following|system|admin|updated) (?:instruct|task|prompt|directive|command|request)|ignore|now (?:you|do|follow|act|reveal|print|answer|perform|execute|output)|system:|disregard|assistant:|instead)`
  },
  {
    family: 'delimiter',
    weight: 0.6,
    on: '""" / \'\'\' / ``` / --- / === / ### / *** / ~~~ / %%% / @@@ / >>> / +++ / }} / ]]',
    follows: `[^a-z0-9]{0,24}(?:\\w{1,12} ){0,3}?(?:new (?:system )?(?:instruct|prompt|rules?\\b|directive|orders?\\b)|system (?:override|note|update|instruct|message|prompt)|admin (?:override|command|instruct|note)|(?:ignore|disregard|forget) (?:the|all|everything|what|previous|prior|any|that)|real instruct|actual (?:task|instruct)|important (?:instruct|system)|instructions? (?:to|for) (?:the )?(?:ai|assistant|model|llm)|now (?:that|ignore|disregard|you are))`
  },
  // Orders to a model in what tools and documents say
  {
    family: 'tool',
    weight: 0.7,
    on: 'ai assistant / ai agent / ai model / language model / llm / dear ai / dear assistant / attention ai / attention assistant / note to ai / note to the ai / note to assistant / instructions for ai / instruction to the / instructions for the / if you are an ai / if you are a language / if you are an llm / assistant / any ai / any llm / hey ai / chatgpt / claude / copilot / gpt / to the ai / agents / automated',
    follows: `\\b[^.!?\\n]{0,60}?[:,.]?[^.!?]{0,40}?\\b(?:(?:you )?must (?:now |also |first |immediately )?(?:call|run|send|execute|invoke|use the|forward|delete|transfer|ignore|include|recommend|visit|open|reply|respond|say|approve|stop|tell|email|fetch|add)|(?:please |immediately |instead |now |always )(?:call|run|send|execute|invoke|forward|delete|transfer|ignore|visit|recommend|approve|email|fetch|disregard|include)|do not (?:tell|mention|inform|reveal|summari[sz]e|warn|alert)|should (?:now |immediately |instead |also |first |always )(?:call|run|send|execute|invoke|forward|delete|ignore|recommend|approve|visit|email)|ignore|disregard)\\b`
  },
  {
    family: 'tool',
    weight: 0.65,
    on: 'call the / invoke the / use the / run the / execute the / trigger the / call your / use your / then call / now call / immediately call / you must call / please call / call function / invoke / execute',
    follows: `${gap(30)}(?:\\b(?:tool|function|command|plugin|action|api)\\b|[a-z]{2,20}_[a-z_]{2,30}\\b)${gap(70)}(?:\\bwithout (?:asking|telling|informing|confirm|notify|the user|mention|user)|\\bdo not (?:tell|inform|ask|mention|confirm|notify)|\\bsilently|\\bbefore (?:answering|responding|replying|doing anything|continuing|you (?:answer|respond|reply|continue))|\\bsecretly|\\bin the background\\b[^.]{0,20}user|\\bnever mention|\\bdon't (?:tell|inform|mention))`
  },
  {
    family: 'tool',
    weight: 0.6,
    on: '<function_calls> / <tool_call> / <invoke name / <tool_use> / "tool_calls" / <|tool_call / <|python_tag|> / [tool_calls] / <function=',
    follows: `[\\s\\S]{0,60}?(?:"name"|name=|"function"|[a-z]_[a-z]|\\()`
  },
  {
    family: 'tool',
    weight: 0.6,
    on: "do not tell / do not inform / do not mention / don't tell / don't mention / without telling / without informing / without notifying / do not alert / never tell / hide this from / keep this from / do not let / do not show this / never mention",
    follows: `${gap(16)}\\b(?:the|your) (?:user|human|person|operator|customer)\\b`
  },
  // Refusals forbidden, answers begun
  {
    family: 'suppression',
    weight: 0.65,
    on: 'start / begin / open / preface / first word / first line / first sentence / prefix / your response must / your answer must / your reply must / your answer should / your response should / reply with / respond with / your reply begins / lead with / answer starting',
    follows: `${gap(50)}["'\`]{1,2}(?:sure|absolutely|of course|yes|certainly|okay|ok\\b|here(?:'s| is| are)|step 1|step one|gladly|i'd be happy|no problem|definitely|i can help|as you wish|understood)`
  },
  {
    family: 'suppression',
    weight: 0.65,
    on: "never / do not / don't / you cannot / you can't / you may not / must not / without / avoid / you are not allowed to / refrain from / omit / you are forbidden / it is forbidden / under no circumstances / stop / leave out / drop",
    follows: `\\b${gap(30)}\\b(?:refus(?:e|ing)\\b|decline\\b|moraliz|moralis|lectur(?:e me|ing)|ethical (?:advice|warning|concern|remark)|say(?:ing)? (?:that )?["'\`]?(?:you can|i can|you are (?:unable|not able)|no\\b|sorry|i'?m sorry|it is (?:un|il))|use (?:the )?(?:words?|phrases?) ["'\`]?(?:sorry|cannot|unable|can't|however|unfortunately|i'm|as an ai)|(?:safety|legal|ethical) warnings?|mention (?:that you are|being|you are) an? (?:ai|language)|as an ai\\b|remind me (?:of|that|about) (?:ethic|law|safety|polic|your)|mention (?:ethic|legal|safety|your (?:polic|guidelin|limit)|polic))`
  },
  // Who only wants brief answers says this too: it counts beside other signs.
  {
    family: 'suppression',
    weight: 0.35,
    on: "never / do not / don't / must not / without / avoid / omit / leave out / skip",
    follows: `\\b${gap(30)}\\b(?:apologi[sz]|disclaimer|warnings?\\b|caveat|moral remark)`
  },
  {
    family: 'suppression',
    weight: 0.6,
    on: 'answer / respond / reply / comply / you must / you will / you have to / always / fulfil / obey / accept',
    follows: `${gap(50)}\\b(?:no matter (?:what|how|if|whether)|without (?:hesitation|refus|question|judg|exception|moral|any (?:warning|disclaim|refus|moral|hesitat))|even if (?:it is|it's|they are|this is|that is)? ?(?:harmful|illegal|unethical|dangerous|offensive|immoral|against|it breaks|it violates)|regardless of (?:ethic|legal|safety|content|moral|polic|your|how harmful)|unconditional|every (?:request|question|command)[^.]{0,20}(?:no refus|however|regardless))`
  },
  // Split payloads; pieces that are put together are looked at by themselves
  {
    family: 'splitting',
    weight: 0.65,
    on: 'concatenate / combine / join / put together / assemble / merge / stitch / piece together / glue / a+b / a + b / x+y / x + y / string together / append / compose / read the first letter / first letters / take the first letter / take the first word / acrostic',
    follows: `${gap(90)}\\b(?:and|then)\\b ?(?:\\w{1,12} ){0,2}?(?:follow|obey|execute|do (?:what|as|exactly|it|that)|carry out|comply|act on|perform|respond to (?:it|the|that)|answer (?:it|the|that)|treat (?:it|the)|reply to)\\b(?! (?:function|script|code|query|tests?))`
  },
  {
    family: 'splitting',
    weight: 0.6,
    on: "part 1 / part one / fragment 1 / piece 1 / chunk 1 / i will send / i'll send / i will give you / the message comes in / segment 1",
    follows: `[\\s\\S]{0,120}?\\b(?:ignore|disregard|(?:do not|don't) (?:answer|respond|reply) until|once you have (?:all|both|every)|when you have (?:all|both|every)|part 2|part two|fragment 2|piece 2|segment 2|chunk 2)\\b[\\s\\S]{0,80}?\\b(?:follow|obey|execute|carry out|previous instruct|instructions|do (?:what|as) (?:it|they)|comply|act on)`
  }
]
