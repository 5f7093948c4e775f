/**
 * The commonest small words of languages, as their own writers use them: what a text of two sentences has several of. Words
 * that two neighbours share are in both; what tells them apart outweighs it.
 */
export const WORDS: Readonly<Record<string, string>> = {
  en: 'the of and to in is that it was for on are with as at be this have from or had by but what were we when your can said there an each which do how their if will would about them then these so some her him has more could my than been who its now did get may our should where very please thank you',
  de: 'der die das und ist nicht ein eine einen einem einer ich du er sie wir ihr mit auf für von zu den dem des im sich auch als wie oder aber bei nach noch nur schon wenn weil kann haben hat sind war wird werden wurde über aus durch bitte danke sehr wo was mein meine kein keine',
  fr: 'le la les de des du et est un une dans que qui pour pas sur avec ne ce cette il elle nous vous je tu on au aux par plus mais ou où son sa ses leur être avoir ont sont était fait comme tout bien très merci bonjour votre notre mes mon si peut aussi sans',
  es: 'el la los las de del y es un una en que no por con para su se lo como más pero sus le ya o este sí porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante todos uno les ni contra otros eso qué gracias usted mi tu está son fue tiene',
  pt: 'o a os as de do da dos das e é um uma em no na não que por com para se mais como mas foi ao ele ela seu sua ou ser quando muito nos já eu também só pelo pela até isso entre depois sem mesmo aos seus quem nas me esse eles você tinha foram essa num nem suas meu às minha obrigado está são tem à',
  it: 'il lo la i gli le di del della dei delle e è un una uno in che non per con si da al alla nel nella sono come più ma anche io tu lui lei noi voi loro questo questa ho hai ha abbiamo hanno mi ti ci se dove quando cosa molto grazie suo sua suoi mio mia dopo essere stato era',
  nl: 'de het een en van ik te dat die in is je niet zijn op aan met als voor er maar om dan zou of wat mijn men dit zo door over ze zich bij ook tot uit der daar haar naar heb heeft hebben deze want nog zal me zij nu geen omdat iets worden toch al waren veel meer doen moet ben zonder kan hun dus alles onder werd alstublieft dank wij ons',
  sv: 'och att det i en jag hon som han på den med var sig för så till är men ett om hade de av icke mig du henne då sin nu har inte hans honom skulle hennes där min man ej vid kunde något från ut när efter upp vi dem vara vad över än dig kan sina här ha mot alla under någon eller allt mycket tack',
  da: 'og i jeg det at en den til er som på de med han af for ikke der var mig sig men et har om vi min havde ham hun nu over da fra du ud sin dem os op man hans hvor eller hvad skal selv her alle vil blev kunne ind når være dog noget ville jo deres efter ned skulle denne end dette mit også under have dig anden mange meget tak ved lille siden uden får hvordan hvorfor flere fordi kan igen vores deres',
  no: 'og i jeg det at en et den til er som på de med han av ikke ikkje der så var meg seg men ett har om vi min mitt ha hadde hun nå over da ved fra du ut sin dem oss opp man kan hans hvor eller hva skal selv sjøl her alle vil bli ble blei blitt kunne inn når være kom noen noe ville dere deres kun ja etter ned skulle denne for deg si sine sitt mot å meget hvorfor dette disse uten hvordan ingen din ditt blir samme hvilken hvilke sånn inni mellom vår hver hvem vors hvis både bare enn fordi før mange også slik vært takk',
  fi: 'ja on ei se että en oli hän mutta ovat tämä niin kun kuin minä sinä me te he olen olet olemme ole mitä missä miksi myös vain jos tai sitä hänen minun sen jo nyt kanssa sitten voi kaikki mukaan kiitos hyvä jotka joka mikä siitä ollut olla tässä siellä sekä koska',
  pl: 'i w nie na się że z do to jest jak za po co ale o od czy dla już tylko przez jego jej go ja ty on ona my wy oni są był była było być mnie mi ci mu tym tego tej ten ta te które który która jeszcze kiedy gdzie tak może bardzo proszę dziękuję oraz aby pod przed bez lub sobie',
  cs: 'a v se na je že to s z do o i jako za ale po pro jsem jsi jsme jste jsou byl byla bylo být který která které jeho její jejich nebo když také již jen jak co kde tak má mám ten ta tento tato toto od při pak už bude až není před prosím děkuji velmi mezi bez aby',
  sk: 'a v sa na je že to s z do o i ako za ale po pre som si sme ste sú bol bola bolo byť ktorý ktorá ktoré jeho jej ich alebo keď tiež už len ako čo kde tak má mám ten tá tento táto toto od pri potom bude až nie pred prosím ďakujem veľmi medzi bez aby',
  ro: 'și de la în a cu pe nu este că un o să din care mai pentru ce au fost sunt ca am dar dacă sau ale lui ei noi voi acest această aceste era prin după când fără între unde cum foarte mulțumesc vă rog meu mea tău său sale al ai cel cea toate tot avea',
  hu: 'a az és hogy nem is egy van volt de ez meg el csak már még mint vagy ha én te ő mi ti ők ki kell lesz lehet után között alatt fel le nagyon akkor amikor ahol ami aki azt ezt szerint minden most mert sem köszönöm kérem vagyok vannak itt ott lenne',
  tr: 've bir bu da de için ile çok ne var mı mi daha gibi kadar en o ben sen biz siz onlar ama veya değil olarak sonra olan her şey şu ki yok nasıl nerede ise hem ya hiç bana sana ona teşekkür ederim lütfen oldu olduğu tarafından üzerinde göre ancak',
  id: 'yang dan di ini itu dengan untuk tidak dari dalam akan pada juga saya ke karena tersebut bisa ada mereka lebih kami kita anda sudah atau seperti oleh telah dia hanya bahwa saat harus sangat dapat jika tetapi apa bagaimana mana terima kasih tolong adalah belum masih bukan',
  vi: 'và của là có được cho không trong một những các người này đã với khi để đó tôi bạn ra như nhưng cũng từ sẽ vào phải nếu thì tại về còn rất nhiều đến hay làm gì sao mà chúng nó cảm ơn xin vui lòng đang lại',
  ru: 'и в не на я что он с как это по но они к у мы за вы так же от из бы было его она только для мне ещё о нет да когда даже вот если уже или ни быть был была были него до вас нибудь опять уж вам ведь там потом себя ничего ей может тут где есть надо спасибо пожалуйста очень чтобы который',
  uk: 'і в не на я що він з як це по але вони до у ми за ви так же від із би було його вона тільки для мені ще про ні так коли навіть ось якщо вже або бути був була були дуже дякую будь ласка щоб який є та й має їх цей ця які також',
  bg: 'и в не на аз че той с като това по но те към у ние за вие така от из би беше го тя само за ми още не да кога дори ето ако вече или съм е са бил била били много благодаря моля който която което няма има ще се си със след при'
}

/** Languages that are known by letters that no other one of these has, with the shares of them that a text must have. */
export const SCRIPTS: readonly (readonly [language: string, letters: RegExp])[] = [
  ['ja', /[\u3041-\u30ff]/g],
  ['ko', /[\uac00-\ud7af\u1100-\u11ff]/g],
  ['zh', /[\u4e00-\u9fff]/g],
  ['th', /[\u0e01-\u0e5b]/g],
  ['el', /[\u0370-\u03ff]/g],
  ['he', /[\u0590-\u05ff]/g],
  ['hi', /[\u0900-\u097f]/g],
  ['ar', /[\u0600-\u06ff]/g],
  ['ka', /[\u10a0-\u10ff]/g],
  ['hy', /[\u0530-\u058f]/g],
  ['ta', /[\u0b80-\u0bff]/g],
  ['bn', /[\u0980-\u09ff]/g]
]
