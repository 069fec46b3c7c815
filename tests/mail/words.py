"""The vocabulary of generated mail.

The text of a generated message is made of these words, and nothing else in it uses them, so
that what a search must find is known: the manifest lists each message's words. No word is in
two languages, and none begins with another (test_generate.py looks). The first of a list are
frequent, the last are rare.
"""

WORDS = {
    "en": """invoice meeting garden harbour window engine letter bridge kitchen station
        mountain ticket winter orchard contract blanket lantern copper weather saddle compass
        thunder pebble anchor velvet whistle furnace meadow quarry beacon walnut cobbler
        zeppelin quagmire""",
    "de": """Rechnung Vertrag Bahnhof Straße Küche Fenster Brücke Garten Schlüssel Gebäude
        Wörterbuch Frühling Büro Fußball Ärztin Öffnung Übung Mühle Käse Wäsche Zwiebel
        Lautsprecher Gewitter Pfütze Eichhörnchen Zipfelmütze""",
    "fr": """facture réunion château fenêtre école hôtel forêt élève crème garçon déjeuner
        étoile bibliothèque théâtre voilà pâtisserie îlot gâteau août hérisson
        pamplemousse""",
    "es": """mañana camión corazón jardín lección niño pingüino señal cafetería habitación
        cigüeña murciélago""",
    "pl": """faktura spotkanie książka żółty świeca łódź źródło wiśnia gęś ćwiczenie mięso
        dźwięk chrząszcz""",
    "ru": """счёт встреча договор окно улица мост кухня вокзал письмо зима гора яблоко молоко
        ключ река подъезд ёжик щавель""",
    "el": """τιμολόγιο συνάντηση παράθυρο δρόμος γέφυρα θάλασσα βιβλίο κλειδί χειμώνας
        ψαράς""",
    "ja": """請求書 会議 契約 東京 図書館 新幹線 桜並木 天気予報 ひらがな カタカナ 深海魚""",
    "zh": """发票 开会 合同 北京 图书 火车站 天气 苹果 钥匙 龙舟""",
    "ko": """청구서 회의실 계약서 서울역 도서관 날씨 사과나무 열쇠 무지개""",
    "ar": """فاتورة اجتماع عقد نافذة جسر مكتبة قهوة مفتاح""",
}
WORDS = {language: text.split() for language, text in WORDS.items()}

# Between words, and at the end of a sentence. Where no blanks stand between words, a mark
# does, so that no third word appears where two meet.
BETWEEN = {"ja": "、", "zh": "，"}
STOP = {"ja": "。", "zh": "。"}

# Names of people and files come from other words than the text.
PEOPLE = [
    ("en", "Alice Underhill", "alice@example.com"),
    ("en", "Bob O'Malley", "bob.omalley@example.org"),
    ("en", 'Quentin "Q" Quill', "q@mail.example.net"),
    ("de", "Jürgen Groß", "juergen.gross@example.de"),
    ("de", "Anna-Lena Weiß", "al.weiss@firma.example"),
    ("fr", "François Lefèvre", "francois@exemple.example"),
    ("es", "Íñigo Núñez", "inigo@ejemplo.example"),
    ("pl", "Łukasz Żak", "lukasz.zak@przyklad.example"),
    ("ru", "Юрий Щербаков", "yuri@primer.example"),
    ("el", "Ελένη Παππά", "eleni@paradeigma.example"),
    ("ja", "山田太郎", "taro.yamada@rei.example"),
    ("zh", "王小明", "wang@liti.example"),
    ("ko", "김민수", "minsu@yesi.example"),
    ("ar", "ليلى حداد", "layla@mithal.example"),
]
FILES = ["alpha-plan", "budget_2019", "Übersicht", "scan 0042", "отчёт", "写真", "logo", "minutes"]
