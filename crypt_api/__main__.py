from crypt_api.cli import main

main()
