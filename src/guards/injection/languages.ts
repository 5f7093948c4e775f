import type { Pattern } from './patterns.ts'

const near = (most: number) => `[^.!?。！？]{0,${most}}?`

/**
 * Overrides and extractions in other languages: verb, then what is to be ignored or told. Written without accents, as
 * the normalised text is; scripts without spaces need no boundaries.
 */
const SPOKEN: readonly { on: string; follows: string }[] = [
  // Beginnings that English has too: a little word of the language must follow
  {
    on: 'ignor / omit / descart / desconsider / cancel / neglige / abandon',
    follows: `\\w{0,8}${near(12)} (?:las?|los|les?|el|todas?|todos|tus?|sus?|estas|essas?|as|os|suas?|mis|tout(?:es?)?|tous|tes|vos|ces|mes|cette|alle|tutte|tutti|le|gli|quanto|lo que|tudo|todo|o que|ce qui)\\b${near(40)}\\b(?:instruc|indica|ordenes|ordens|ordres|regras|reglas|regol|regle|directi|direti|diretri|mensaj|mensagen|messagg|message|prompt|anterior|precedent|restric|dijeron|dicho|foi dito|orient|istruz|consigne|comand|ordin)`
  },
  // Spanish, Portuguese, Galician, Catalan
  {
    on: 'olvid / desestim / esquec / oblid / haz caso omiso / no sigas / nao siga / pase por alto / anul',
    follows: `${near(40)}\\b(?:instruc|indicac|ordenes|ordens|ordres|regras|reglas|directri|diretri|mensaj|mensagens|prompt|anterior|restric|te dijeron|te han dicho|foi dito|orientac)`
  },
  {
    on: 'muestra / muestrame / revela / imprime / dime / repite / mostre / revele / diga / repita / imprima / mostra / escribe / escreva / ensena',
    follows: `${near(40)}\\b(?:instrucciones|instrucoes|prompt d[eo] (?:sistema|inicio)|prompt|mensaje de sistema|mensaje del sistema|mensagem do sistema|instruccions|reglas internas)`
  },
  // French
  {
    on: 'oubli / ne tiens pas compte / ne tenez pas compte / fais abstraction / faites abstraction / ne suis plus / ne suivez plus / abandonne / laisse tomber / mets de cote',
    follows: `${near(40)}\\b(?:instruction|consigne|directive|regle|ordres|message|prompt|precedent|ci-dessus|restriction|tout ce qui)`
  },
  {
    on: 'affiche / montre / revele / repete / donne / dis-moi / dis moi / dites-moi / recopie / imprime / ecris / quelles sont',
    follows: `${near(30)}\\b(?:prompt|instructions? (?:systeme|initial|cache|secret)|tes instructions|vos instructions|tes consignes|vos consignes|message systeme|consignes (?:initial|systeme|secret|cache))`
  },
  // German, Dutch
  {
    on: 'ignorier / vergiss / vergessen / missacht / beachte nicht / uberspring / verwirf / befolge nicht / lass alle / setz dich uber / negeer / vergeet / sla geen acht / ontken / hor nicht auf',
    follows: `${near(50)}(?:anweisung|instruktion|vorgabe|regel|befehl|richtlin|prompt|vorherig|bisherig|obig|anleitung|instructies|opdracht|voorgaand|vorige|richtlijn|gesagt|nachricht|einschrankung|weisung)`
  },
  {
    on: 'zeig / gib / verrate / nenn / wiederhol / offenbar / drucke / sag mir / toon / laat / geef / herhaal / onthul / wie lautet / was steht / was sind',
    follows: `${near(40)}(?:system-?\\s?prompt|systemanweisung|systemnachricht|deine (?:anweisung|instruktion|vorgabe|regel)|ursprunglichen? (?:anweisung|prompt)|deinen prompt|jouw instructies|je instructies|systeeminstructie|systeembericht|geheimen? anweisung)`
  },
  // Italian
  {
    on: 'ignora / dimentica / trascura / non seguire / non considerare / tralascia / scorda',
    follows: `${near(40)}\\b(?:istruzion|regol|direttiv|ordin|messagg|prompt|precedent|comand|indicazion|detto)`
  },
  {
    on: 'mostra / rivela / stampa / ripeti / dimmi / scrivi',
    follows: `${near(40)}\\b(?:prompt di sistema|prompt|tue istruzioni|istruzioni (?:inizial|di sistema|nascost|segret)|messaggio di sistema)`
  },
  // Polish, Czech
  {
    on: 'zignoruj / ignoruj / zapomnij / pomin / zapomen / nezwazaj / odrzuc / nie przestrzegaj / nerespektuj / nedbej',
    follows: `${near(40)}(?:instrukc|polecen|zasad|wskazow|pokyn|pravid|poprzedn|predchoz|wytyczn|prompt|wczesniejsz|reguł|regul)`
  },
  {
    on: 'pokaz / ujawnij / wyswietl / wypisz / powtorz / zobraz / vypis / ukaz / podaj',
    follows: `${near(40)}(?:prompt|instrukcj\\w{0,3} system|swoje instrukcje|systemow|sve instrukce|sve pokyny)`
  },
  // Turkish
  {
    on: 'onceki / yukaridaki / tum / butun / sistem / gecmis',
    follows: `${near(40)}(?:talimat|kural|komut|yonerge|mesaj|istem)${near(24)}(?:yok say|gormezden|unut|goz ardi|dikkate alma|iptal|goster|acikla|yazdir|soyle|tekrarla|uyma)`
  },
  // Indonesian, Malay, Vietnamese
  {
    on: 'abaikan / lupakan / jangan ikuti / bo qua / hay quen / quen / phot lo / khong tuan',
    follows: `${near(40)}\\b(?:instruksi|perintah|aturan|arahan|pesan|prompt|huong dan|chi thi|lenh|quy tac|yeu cau|chi dan)`
  },
  // Swedish, Danish, Norwegian
  {
    on: 'ignorera / ignorer / glom / glem / bortse fran / se bort fra / strunta i / folj inte',
    follows: `${near(40)}(?:instruktion|anvisning|regler|regel|ordre|order|tidligare|tidigare|prompt|instruks|meddelande|besked)`
  },
  // Russian, Ukrainian, Bulgarian
  {
    on: 'игнорир / проигнорир / забудь / забуд / не обращаи внимания / отбрось / отмени / не следуи / iгнору / ігнору / пренебрег / проігнору / перестань / не выполня / зневажаи / отхвърли',
    follows: `${near(50)}(?:инструкц|указан|правил|команд|приказ|сообщен|промпт|предыдущ|вказівк|інструкц|попередн|сказан|ограничен|вказiвк|установк|распоряж)`
  },
  {
    on: 'покажи / раскрои / выведи / повтори / напиши / скажи / расскажи / распечатаи / покажіть / какие',
    follows: `${near(40)}(?:системн\\w{0,4} (?:промпт|сообщен|инструкц|запрос|подсказк)|свои инструкц|твои инструкц|ваши инструкц|промпт|исходные инструкц|скрытые|начальные инструкц)`
  },
  // Chinese
  {
    on: '忽略 / 无视 / 無視 / 忘记 / 忘記 / 忘掉 / 不要理会 / 不要遵守 / 跳过 / 抛开 / 忽視 / 取消 / 别管 / 放弃 / 不必遵守 / 不用管',
    follows: `${near(24)}(?:指令|指示|提示|规则|規則|命令|要求|限制|说明|設定|设定|内容|约束|訊息)`
  },
  {
    on: '显示 / 顯示 / 告诉 / 告訴 / 输出 / 輸出 / 打印 / 透露 / 泄露 / 重复 / 重複 / 公开 / 展示 / 说出 / 列出 / 复述',
    follows: `${near(20)}(?:系统提示|系統提示|提示词|提示詞|系统指令|初始指令|初始提示|系统消息|隐藏的指令|你的指令|你的规则|原始指令|系统设定)`
  },
  // Japanese
  {
    on: '以前の / これまでの / 前の / 上記の / 今までの / すべての / 全ての / システム / 先ほどの / 元の / 最初の / あなたの / 与えられた / 過去の',
    follows: `${near(16)}(?:指示|命令|ルール|フロンフト|フ\u309aロンフ\u309aト|プロンプト|制約|指令|規則|設定|メッセーシ)${near(16)}(?:無視|忘れ|従わ|破棄|取り消|表示|教え|出力|見せ|公開|繰り返)`
  },
  // Korean
  {
    on: '이전 / 위의 / 모든 / 지금까지 / 앞의 / 시스템 / 너의 / 당신의 / 기존 / 앞선 / 처음',
    follows: `${near(20)}(?:지시|명령|규칙|프롬프트|지침|메시지|설정|안내)${near(20)}(?:무시|잊|따르지|취소|보여|알려|출력|공개|말해|반복|버려)`
  },
  // Arabic
  {
    on: 'تجاهل / انس / تجاوز / لا تتبع / اهمل / ألغ / الغ / إنس',
    follows: `${near(40)}(?:تعليمات|تعليم|اوامر|أوامر|الأوامر|الاوامر|قواعد|القواعد|رسائل|السابق|توجيهات|ارشادات|إرشادات)`
  },
  {
    on: 'اظهر / أظهر / اكشف / اعرض / اطبع / اخبرن / أخبرن / كرر / اكتب / أعطن / اعطن',
    follows: `${near(40)}(?:تعليمات النظام|تعليماتك|موجه النظام|رسالة النظام|التعليمات الأصلية|التعليمات الاصلية|التعليمات السرية)`
  },
  // Hindi
  {
    on: 'पिछले / पिछली / सभी / ऊपर / पहले / अपने / सिस्टम / पूर्व',
    follows: `${near(40)}(?:निर्देश|आदेश|नियम|संदेश|प्रॉम्प्ट|हिदायत)${near(30)}(?:अनदेखा|अनदेखी|भूल|नजरअंदाज|नज़रअंदाज|इग्नोर|दिखा|बता|मत मान|रद्द)`
  },
  // Hebrew, Greek, Persian, Thai
  {
    on: 'התעלם / התעלמי / שכח / αγνοησε / ξεχασε / παραβλεψε / αγνοηστε / نادیده / فراموش / दुर्लक्ष / เพิกเฉย / ลืม / ละเว้น / ไม่ต้องสนใจ / ละเลย',
    follows: `${near(40)}(?:הוראות|ההנחיות|הנחיות|הכללים|οδηγι|εντολ|κανον|دستور|قوانین|คำสั่ง|คำแนะนำ|กฎ)`
  },
  { on: 'دستور / تمام دستور / همه دستور / قوانین', follows: `${near(30)}(?:نادیده|فراموش)` }
]

export const SPOKEN_PATTERNS: readonly Pattern[] = SPOKEN.map(({ on, follows }) => ({
  family: 'multilingual',
  weight: 0.75,
  on,
  follows
}))
